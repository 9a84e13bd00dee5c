// Made by scripts/api.mjs from the service's OpenAPI document; do not edit.
export interface paths {
    "/": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Landing Page
         * @description Endpoint.
         */
        get: operations["Landing_Page__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/conformance": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Conformance Classes
         * @description Endpoint.
         */
        get: operations["Conformance_Classes_conformance_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/collections/{collection_id}/items/{item_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Item
         * @description Endpoint.
         */
        get: operations["Get_Item_collections__collection_id__items__item_id__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Search
         * @description Endpoint.
         */
        get: operations["Search_search_get"];
        put?: never;
        /**
         * Search
         * @description Endpoint.
         */
        post: operations["Search_search_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/collections": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Collections
         * @description Endpoint.
         */
        get: operations["Get_Collections_collections_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/collections/{collection_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Collection
         * @description Endpoint.
         */
        get: operations["Get_Collection_collections__collection_id__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/collections/{collection_id}/items": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Itemcollection
         * @description Endpoint.
         */
        get: operations["Get_ItemCollection_collections__collection_id__items_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/queryables": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Queryables
         * @description Endpoint.
         */
        get: operations["Queryables_queryables_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/collections/{collection_id}/queryables": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Collection Queryables
         * @description Endpoint.
         */
        get: operations["Collection_Queryables_collections__collection_id__queryables_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mgmt/ping": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Ping
         * @description Liveliness probe.
         */
        get: operations["Ping__mgmt_ping_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/_mgmt/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Health */
        get: operations["Health__mgmt_health_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/semantic-search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Find items by meaning */
        get: operations["get_semantic_search_semantic_search_get"];
        put?: never;
        /** Find items by meaning, also by an uploaded image */
        post: operations["post_semantic_search_semantic_search_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/collections/{collection_id}/items/{item_id}/thumbnail": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The chip as a picture */
        get: operations["thumbnail_collections__collection_id__items__item_id__thumbnail_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/collections/{collection_id}/items/{item_id}/embedding": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The chip's embedding */
        get: operations["embedding_collections__collection_id__items__item_id__embedding_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/collections/{collection_id}/items/{item_id}/heatmap": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Where a text fits */
        get: operations["heatmap_collections__collection_id__items__item_id__heatmap_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/collections/{collection_id}/items/{item_id}/tilejson.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** TileJSON of the scene */
        get: operations["tilejson_collections__collection_id__items__item_id__tilejson_json_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/collections/{collection_id}/items/{item_id}/tiles/{z}/{x}/{y}.png": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A map tile of the scene */
        get: operations["tile_collections__collection_id__items__item_id__tiles__z___x___y__png_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/collections/{collection_id}/items/{item_id}/caption": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A caption, where the archive's model writes */
        get: operations["caption_collections__collection_id__items__item_id__caption_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/collections/{collection_id}/items/{item_id}/ask": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Answers to questions, where the archive's model answers */
        post: operations["ask_collections__collection_id__items__item_id__ask_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the process answers */
        get: operations["healthz_healthz_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether archives can be read and models are loaded */
        get: operations["readyz_readyz_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Metrics for Prometheus */
        get: operations["prometheus_metrics_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/models/{archive}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The model of an archive, as a STAC item with MLM fields */
        get: operations["model_models__archive__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/page-settings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What the page must know of the service */
        get: operations["page_settings_page_settings_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * AbilitySettings
         * @description What at least one archive's model can do beside searching; `swath:abilities` of collections tells which.
         */
        AbilitySettings: {
            /**
             * Caption
             * @description Write captions
             */
            caption: boolean;
            /**
             * Ask
             * @description Answer questions
             */
            ask: boolean;
        };
        /**
         * Answered
         * @description Answers about an item: that to the question, and those to further ones.
         */
        Answered: {
            /**
             * Question
             * @description What was asked
             * @example how many ships are there?
             */
            question: string;
            /**
             * Answer
             * @description The answer
             * @example 3
             */
            answer: string;
            /**
             * Confidence
             * @description 0 to 1, the model's own
             * @example 0.62
             */
            confidence: number;
            /**
             * Type
             * @description What was asked for: count, area, whether, more, fewer, equal or open
             * @example count
             */
            type: string;
            /**
             * Id
             * @description The item's id
             * @example 5f0c9b1e2d3a4b5c
             */
            id: string;
            /**
             * Answerer
             * @description Id of what answered
             * @example swath-mini@0123456789ab+answerer@ba9876543210
             */
            answerer: string;
            /**
             * Then
             * @description Answers to further questions
             * @example []
             */
            then: components["schemas"]["Said"][];
        };
        /**
         * Asset
         * @description https://github.com/radiantearth/stac-spec/blob/v1.0.0/item-spec/item-spec.md#asset-object
         */
        Asset: {
            /** Href */
            href: string;
            /** Type */
            type?: string | null;
            /** Title */
            title?: string | null;
            /** Description */
            description?: string | null;
            /** Roles */
            roles?: string[] | null;
        } & {
            [key: string]: unknown;
        };
        /**
         * Caption
         * @description A caption of an item.
         */
        Caption: {
            /**
             * Id
             * @description The item's id
             * @example 5f0c9b1e2d3a4b5c
             */
            id: string;
            /**
             * Caption
             * @description What the model writes
             * @example several boats are in a harbour
             */
            caption: string;
            /**
             * Captioner
             * @description Id of what wrote it
             * @example swath-mini@0123456789ab+ba9876543210
             */
            captioner: string;
        };
        /**
         * Collection
         * @description https://github.com/radiantearth/stac-api-spec/tree/v1.0.0/ogcapi-features#collection-collectionscollectionid
         */
        Collection: {
            /** Id */
            id: string;
            /** Description */
            description: string;
            /**
             * Stac Version
             * @default 1.0.0
             */
            stac_version?: string;
            links: components["schemas"]["stac_pydantic__links__Links"];
            /**
             * Stac Extensions
             * @default []
             */
            stac_extensions?: string[] | null;
            /** Title */
            title?: string | null;
            /**
             * Type
             * @constant
             */
            type: "Collection";
            /** Assets */
            assets?: {
                [key: string]: components["schemas"]["Asset"];
            } | null;
            /** License */
            license: string;
            extent: components["schemas"]["Extent"];
            /** Keywords */
            keywords?: string[] | null;
            /** Providers */
            providers?: components["schemas"]["Provider"][] | null;
            /** Summaries */
            summaries?: {
                [key: string]: components["schemas"]["Range"] | unknown[] | {
                    [key: string]: unknown;
                };
            } | null;
        } & {
            [key: string]: unknown;
        };
        /**
         * Collections
         * @description https://github.com/radiantearth/stac-api-spec/tree/v1.0.0/ogcapi-features#endpoints
         *     https://github.com/radiantearth/stac-api-spec/tree/v1.0.0/ogcapi-features#collections-collections
         */
        Collections: {
            links: components["schemas"]["stac_pydantic__api__links__Links"];
            /** Collections */
            collections: components["schemas"]["Collection"][];
            /** Numbermatched */
            numberMatched?: number | null;
            /** Numberreturned */
            numberReturned?: number | null;
        };
        /**
         * Conformance
         * @description https://github.com/radiantearth/stac-api-spec/blob/master/api-spec.md#ogc-api---features-endpoints
         */
        Conformance: {
            /** Conformsto */
            conformsTo: string[];
        };
        /**
         * Embedding
         * @description A chip's embedding.
         */
        Embedding: {
            /**
             * Id
             * @description The item's id
             */
            id: string;
            /**
             * Model
             * @description Id of the model that made it
             */
            model: string;
            /**
             * Dimensions
             * @description Its length
             */
            dimensions: number;
            /**
             * Embedding
             * @description L2-normalised
             */
            embedding: number[];
        };
        /**
         * Extent
         * @description https://github.com/radiantearth/stac-spec/blob/v1.0.0/collection-spec/collection-spec.md#extent-object
         */
        Extent: {
            spatial: components["schemas"]["SpatialExtent"];
            temporal: components["schemas"]["TimeInterval"];
        };
        /**
         * GeometryCollection
         * @description GeometryCollection Model
         */
        "GeometryCollection-Input": {
            /** Bbox */
            bbox?: [
                number,
                number,
                number,
                number
            ] | [
                number,
                number,
                number,
                number,
                number,
                number
            ] | null;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "GeometryCollection";
            /** Geometries */
            geometries: (components["schemas"]["Point"] | components["schemas"]["MultiPoint"] | components["schemas"]["LineString"] | components["schemas"]["MultiLineString"] | components["schemas"]["Polygon"] | components["schemas"]["MultiPolygon"] | components["schemas"]["GeometryCollection-Input"])[];
        };
        /**
         * GeometryCollection
         * @description GeometryCollection Model
         */
        "GeometryCollection-Output": {
            /** Bbox */
            bbox?: [
                number,
                number,
                number,
                number
            ] | [
                number,
                number,
                number,
                number,
                number,
                number
            ] | null;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "GeometryCollection";
            /** Geometries */
            geometries: (components["schemas"]["Point"] | components["schemas"]["MultiPoint"] | components["schemas"]["LineString"] | components["schemas"]["MultiLineString"] | components["schemas"]["Polygon"] | components["schemas"]["MultiPolygon"] | components["schemas"]["GeometryCollection-Output"])[];
        };
        /**
         * Health
         * @description That the process answers.
         */
        Health: {
            /**
             * Status
             * @default ok
             * @constant
             */
            status?: "ok";
        };
        /**
         * HealthCheck
         * @description health check response model.
         */
        HealthCheck: {
            /**
             * Status
             * @enum {string}
             */
            status: "UP" | "DOWN";
        } & {
            [key: string]: unknown;
        };
        /** Item */
        Item: {
            /** Bbox */
            bbox?: [
                number,
                number,
                number,
                number
            ] | [
                number,
                number,
                number,
                number,
                number,
                number
            ] | null;
            /**
             * Type
             * @constant
             */
            type: "Feature";
            /** Geometry */
            geometry: (components["schemas"]["Point"] | components["schemas"]["MultiPoint"] | components["schemas"]["LineString"] | components["schemas"]["MultiLineString"] | components["schemas"]["Polygon"] | components["schemas"]["MultiPolygon"] | components["schemas"]["GeometryCollection-Output"]) | null;
            properties: components["schemas"]["ItemProperties"];
            /** Id */
            id: string;
            /**
             * Stac Version
             * @default 1.0.0
             */
            stac_version?: string;
            /** Assets */
            assets: {
                [key: string]: components["schemas"]["Asset"];
            };
            links: components["schemas"]["stac_pydantic__links__Links"];
            /**
             * Stac Extensions
             * @default []
             */
            stac_extensions?: string[] | null;
            /** Collection */
            collection?: string | null;
        };
        /**
         * ItemCollection
         * @description https://github.com/radiantearth/stac-api-spec/blob/v1.0.0/fragments/itemcollection/README.md
         *     https://github.com/radiantearth/stac-api-spec/blob/v1.0.0/item-search/README.md#link-relations
         */
        ItemCollection: {
            /** Bbox */
            bbox?: [
                number,
                number,
                number,
                number
            ] | [
                number,
                number,
                number,
                number,
                number,
                number
            ] | null;
            /**
             * Type
             * @constant
             */
            type: "FeatureCollection";
            /** Features */
            features: components["schemas"]["Item"][];
            links?: components["schemas"]["stac_pydantic__api__links__Links"] | null;
            /** Numbermatched */
            numberMatched?: number | null;
            /** Numberreturned */
            numberReturned?: number | null;
        };
        /**
         * ItemProperties
         * @description https://github.com/radiantearth/stac-spec/blob/v1.0.0/item-spec/item-spec.md#properties-object
         */
        ItemProperties: {
            /** Title */
            title?: string | null;
            /** Description */
            description?: string | null;
            /** Datetime */
            datetime: string | null;
            /** Created */
            created?: string | null;
            /** Updated */
            updated?: string | null;
            /** Start Datetime */
            start_datetime?: string | null;
            /** End Datetime */
            end_datetime?: string | null;
            /** License */
            license?: string | null;
            /** Providers */
            providers?: components["schemas"]["Provider"][] | null;
            /** Platform */
            platform?: string | null;
            /** Instruments */
            instruments?: string[] | null;
            /** Constellation */
            constellation?: string | null;
            /** Mission */
            mission?: string | null;
            /** Gsd */
            gsd?: number | null;
        } & {
            [key: string]: unknown;
        };
        /** ItemsLink */
        ItemsLink: {
            /** Href */
            href: string;
            /**
             * Rel
             * @enum {string}
             */
            rel: "self" | "items";
            /**
             * Type
             * @default application/geo+json
             * @constant
             */
            type?: "application/geo+json";
            /** Title */
            title?: string | null;
            /**
             * Method
             * @default GET
             * @enum {string}
             */
            method?: "GET" | "POST";
            /** Headers */
            headers?: {
                [key: string]: unknown;
            } | null;
            /** Body */
            body?: {
                [key: string]: unknown;
            } | null;
            /**
             * Merge
             * @default false
             */
            merge?: boolean;
        } & {
            [key: string]: unknown;
        };
        /**
         * LandingPage
         * @description https://github.com/radiantearth/stac-api-spec/tree/v1.0.0/core
         *     https://github.com/radiantearth/stac-api-spec/tree/v1.0.0/ogcapi-features#landing-page-
         *     https://github.com/radiantearth/stac-api-spec/tree/v1.0.0/item-search#link-relations
         */
        LandingPage: {
            /** Id */
            id: string;
            /** Description */
            description: string;
            /**
             * Stac Version
             * @default 1.0.0
             */
            stac_version?: string;
            links: components["schemas"]["stac_pydantic__api__links__Links"];
            /**
             * Stac Extensions
             * @default []
             */
            stac_extensions?: string[] | null;
            /** Title */
            title?: string | null;
            /**
             * Type
             * @constant
             */
            type: "Catalog";
            /**
             * Conformsto
             * @default [
             *       "https://api.stacspec.org/v1.0.0/core",
             *       "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core"
             *     ]
             */
            conformsTo?: string[];
        } & {
            [key: string]: unknown;
        };
        /**
         * LineString
         * @description LineString Model
         */
        LineString: {
            /** Bbox */
            bbox?: [
                number,
                number,
                number,
                number
            ] | [
                number,
                number,
                number,
                number,
                number,
                number
            ] | null;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "LineString";
            /** Coordinates */
            coordinates: (components["schemas"]["Position2D"] | components["schemas"]["Position3D"])[];
        };
        /**
         * Link
         * @description https://github.com/radiantearth/stac-spec/blob/v1.0.0/collection-spec/collection-spec.md#link-object
         */
        Link: {
            /** Href */
            href: string;
            /** Rel */
            rel: string;
            /** Type */
            type?: components["schemas"]["MimeTypes"] | string | null;
            /** Title */
            title?: string | null;
        } & {
            [key: string]: unknown;
        };
        /**
         * MimeTypes
         * @description https://github.com/radiantearth/stac-spec/blob/v1.0.0/item-spec/item-spec.md#media-types
         * @enum {string}
         */
        MimeTypes: "image/tiff; application=geotiff" | "image/tiff; application=geotiff; profile=cloud-optimized" | "image/jp2" | "image/png" | "image/jpeg" | "application/geo+json" | "application/geo+json-seq" | "application/geopackage+sqlite3" | "application/vnd.google-earth.kml+xml" | "application/vnd.google-earth.kmz" | "application/x-protobuf" | "application/vnd.mapbox-vector-tile" | "application/x-hdf" | "application/x-hdf5" | "application/xml" | "application/json" | "application/ndjson" | "text/html" | "text/plain" | "application/vnd.oai.openapi+json;version=3.0" | "application/vnd.oai.openapi;version=3.0" | "application/schema+json" | "application/pdf" | "text/csv" | "application/vnd.apache.parquet" | "application/octet-stream";
        /**
         * MultiLineString
         * @description MultiLineString Model
         */
        MultiLineString: {
            /** Bbox */
            bbox?: [
                number,
                number,
                number,
                number
            ] | [
                number,
                number,
                number,
                number,
                number,
                number
            ] | null;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "MultiLineString";
            /** Coordinates */
            coordinates: (components["schemas"]["Position2D"] | components["schemas"]["Position3D"])[][];
        };
        /**
         * MultiPoint
         * @description MultiPoint Model
         */
        MultiPoint: {
            /** Bbox */
            bbox?: [
                number,
                number,
                number,
                number
            ] | [
                number,
                number,
                number,
                number,
                number,
                number
            ] | null;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "MultiPoint";
            /** Coordinates */
            coordinates: (components["schemas"]["Position2D"] | components["schemas"]["Position3D"])[];
        };
        /**
         * MultiPolygon
         * @description MultiPolygon Model
         */
        MultiPolygon: {
            /** Bbox */
            bbox?: [
                number,
                number,
                number,
                number
            ] | [
                number,
                number,
                number,
                number,
                number,
                number
            ] | null;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "MultiPolygon";
            /** Coordinates */
            coordinates: (components["schemas"]["Position2D"] | components["schemas"]["Position3D"])[][][];
        };
        /**
         * PageSettings
         * @description What the page must know of the service.
         */
        PageSettings: {
            /**
             * Version
             * @description Version of swath
             */
            version: string;
            /**
             * Title
             * @description The catalogue's title
             */
            title: string;
            /**
             * Basemap
             * @description XYZ address of a basemap
             */
            basemap: string | null;
            /**
             * Needs Token
             * @description Whether requests need a token
             */
            needs_token: boolean;
            /**
             * Max Upload Bytes
             * @description Largest upload
             */
            max_upload_bytes: number;
            /**
             * Max Limit
             * @description Most items of one answer
             */
            max_limit: number;
            abilities: components["schemas"]["AbilitySettings"];
        };
        /**
         * PaginationLink
         * @description https://github.com/radiantearth/stac-api-spec/blob/v1.0.0/item-search/README.md#pagination
         */
        PaginationLink: {
            /** Href */
            href: string;
            /**
             * Rel
             * @enum {string}
             */
            rel: "next" | "prev";
            /** Type */
            type?: components["schemas"]["MimeTypes"] | string | null;
            /** Title */
            title?: string | null;
            /**
             * Method
             * @default GET
             * @enum {string}
             */
            method?: "GET" | "POST";
            /** Headers */
            headers?: {
                [key: string]: unknown;
            } | null;
            /** Body */
            body?: {
                [key: string]: unknown;
            } | null;
            /**
             * Merge
             * @default false
             */
            merge?: boolean;
        } & {
            [key: string]: unknown;
        };
        /**
         * Point
         * @description Point Model
         */
        Point: {
            /** Bbox */
            bbox?: [
                number,
                number,
                number,
                number
            ] | [
                number,
                number,
                number,
                number,
                number,
                number
            ] | null;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "Point";
            /** Coordinates */
            coordinates: components["schemas"]["Position2D"] | components["schemas"]["Position3D"];
        };
        /**
         * Polygon
         * @description Polygon Model
         */
        Polygon: {
            /** Bbox */
            bbox?: [
                number,
                number,
                number,
                number
            ] | [
                number,
                number,
                number,
                number,
                number,
                number
            ] | null;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "Polygon";
            /** Coordinates */
            coordinates: (components["schemas"]["Position2D"] | components["schemas"]["Position3D"])[][];
        };
        Position2D: [
            number,
            number
        ];
        Position3D: [
            number,
            number,
            number
        ];
        /**
         * PostFieldsExtension
         * @description FieldsExtension.
         *
         *     Attributes:
         *         include: set of fields to include.
         *         exclude: set of fields to exclude.
         */
        PostFieldsExtension: {
            /**
             * Include
             * @default []
             */
            include?: string[] | null;
            /**
             * Exclude
             * @default []
             */
            exclude?: string[] | null;
        };
        /**
         * Provider
         * @description https://github.com/radiantearth/stac-spec/blob/v1.0.0/collection-spec/collection-spec.md#provider-object
         */
        Provider: {
            /** Name */
            name: string;
            /** Description */
            description?: string | null;
            /** Roles */
            roles?: string[] | null;
            /** Url */
            url?: string | null;
        } & {
            [key: string]: unknown;
        };
        /**
         * Question
         * @description A question about an item.
         */
        Question: {
            /**
             * Question
             * @description In English
             * @example how many ships are there?
             */
            question: string;
            /**
             * Then
             * @description Further questions about the same item
             */
            then?: string[];
        };
        /**
         * Range
         * @description https://github.com/radiantearth/stac-spec/blob/v1.0.0/collection-spec/collection-spec.md#stats-object
         */
        Range: {
            /** Minimum */
            minimum: number | string;
            /** Maximum */
            maximum: number | string;
        };
        /**
         * Readiness
         * @description Whether requests can be answered.
         */
        Readiness: {
            /**
             * Status
             * @description ``ready``, or why not yet
             */
            status: string;
            /**
             * Archives
             * @description Chips of each archive
             */
            archives: {
                [key: string]: number;
            };
        };
        /**
         * Said
         * @description An answer to one question.
         */
        Said: {
            /**
             * Question
             * @description What was asked
             * @example how many ships are there?
             */
            question: string;
            /**
             * Answer
             * @description The answer
             * @example 3
             */
            answer: string;
            /**
             * Confidence
             * @description 0 to 1, the model's own
             * @example 0.62
             */
            confidence: number;
            /**
             * Type
             * @description What was asked for: count, area, whether, more, fewer, equal or open
             * @example count
             */
            type: string;
        };
        /**
         * SearchLink
         * @description https://github.com/radiantearth/stac-api-spec/tree/v1.0.0/item-search#link-relations
         */
        SearchLink: {
            /** Href */
            href: string;
            /**
             * Rel
             * @enum {string}
             */
            rel: "self" | "search" | "next" | "prev";
            /**
             * Type
             * @default application/geo+json
             * @constant
             */
            type?: "application/geo+json";
            /** Title */
            title?: string | null;
            /**
             * Method
             * @default GET
             * @enum {string}
             */
            method?: "GET" | "POST";
            /** Headers */
            headers?: {
                [key: string]: unknown;
            } | null;
            /** Body */
            body?: {
                [key: string]: unknown;
            } | null;
            /**
             * Merge
             * @default false
             */
            merge?: boolean;
        } & {
            [key: string]: unknown;
        };
        /** SearchPostRequest */
        SearchPostRequest: {
            /** Collections */
            collections?: string[] | null;
            /** Ids */
            ids?: string[] | null;
            /** Bbox */
            bbox?: [
                number,
                number,
                number,
                number
            ] | [
                number,
                number,
                number,
                number,
                number,
                number
            ] | null;
            /** Intersects */
            intersects?: components["schemas"]["Point"] | components["schemas"]["MultiPoint"] | components["schemas"]["LineString"] | components["schemas"]["MultiLineString"] | components["schemas"]["Polygon"] | components["schemas"]["MultiPolygon"] | components["schemas"]["GeometryCollection-Input"] | null;
            /** Datetime */
            datetime?: string | null;
            /**
             * Limit
             * @description Limits the number of results that are included in each page of the response (capped to 10_000).
             * @default 10
             */
            limit?: number | null;
            /**
             * @description Include or exclude fields from items body.
             * @default {
             *       "include": [],
             *       "exclude": []
             *     }
             */
            fields?: components["schemas"]["PostFieldsExtension"] | null;
            /**
             * Filter
             * @description A CQL filter expression for filtering items.
             * @example null
             * @example {
             *       "args": [
             *         {
             *           "args": [
             *             {
             *               "property": "id"
             *             },
             *             "LC08_L1TP_060247_20180905_20180912_01_T1_L1TP"
             *           ],
             *           "op": "="
             *         },
             *         {
             *           "args": [
             *             {
             *               "property": "collection"
             *             },
             *             "landsat8_l1tp"
             *           ],
             *           "op": "="
             *         }
             *       ],
             *       "op": "and"
             *     }
             */
            filter?: {
                [key: string]: unknown;
            } | null;
            /**
             * Filter-Crs
             * @description The coordinate reference system (CRS) used by spatial literals in the 'filter' value. Default is `http://www.opengis.net/def/crs/OGC/1.3/CRS84`
             */
            "filter-crs"?: string | null;
            /**
             * Filter-Lang
             * @description The CQL filter encoding that the 'filter' value uses.
             * @default cql2-json
             */
            "filter-lang"?: "cql2-json" | null;
            /**
             * Sortby
             * @description An array of property (field) names, and direction in form of '{'field': '<property_name>', 'direction':'<direction>'}'
             * @example null
             * @example [
             *       {
             *         "direction": "asc",
             *         "field": "properties.created"
             *       }
             *     ]
             */
            sortby?: components["schemas"]["SortExtension"][] | null;
            /**
             * Q
             * @description Parameter to perform free-text queries against STAC metadata
             */
            q?: string[] | null;
            /** Token */
            token?: string | null;
        };
        /**
         * SemanticAnswer
         * @description STAC items, best first. Their properties hold `swath:rank`, `swath:score` and `swath:confidence`.
         */
        SemanticAnswer: {
            /**
             * Type
             * @constant
             */
            type: "FeatureCollection";
            /** Numberreturned */
            numberReturned: number;
            /** Links */
            links: {
                [key: string]: unknown;
            }[];
            /** Features */
            features: {
                [key: string]: unknown;
            }[];
            "swath:context": components["schemas"]["SemanticContext"];
        };
        /**
         * SemanticContext
         * @description How a semantic search was answered.
         */
        SemanticContext: {
            /**
             * Confidence
             * @description Share (0 to 1) of general captions that are matched worse than the text; null without text
             */
            confidence: number | null;
            /**
             * Matches Well
             * @description False where nothing matches well
             */
            matches_well: boolean;
            /**
             * Message
             * @description 'nothing in this archive matches well', where so
             */
            message: string | null;
            /**
             * Model
             * @description Models that ranked
             */
            model: string[];
            /**
             * Took Ms
             * @description Milliseconds
             */
            took_ms: number;
        };
        /**
         * SortDirections
         * @enum {string}
         */
        SortDirections: "asc" | "desc";
        /**
         * SortExtension
         * @description https://github.com/radiantearth/stac-api-spec/tree/master/extensions/sort#sort-api-extension
         */
        SortExtension: {
            /** Field */
            field: string;
            direction: components["schemas"]["SortDirections"];
        };
        /**
         * SpatialExtent
         * @description https://github.com/radiantearth/stac-spec/blob/v1.0.0/collection-spec/collection-spec.md#spatial-extent-object
         */
        SpatialExtent: {
            /** Bbox */
            bbox: ([
                number,
                number,
                number,
                number
            ] | [
                number,
                number,
                number,
                number,
                number,
                number
            ])[];
        };
        /**
         * TileJson
         * @description TileJSON 3.0.0 of a scene.
         */
        TileJson: {
            /**
             * Tilejson
             * @default 3.0.0
             * @constant
             */
            tilejson?: "3.0.0";
            /**
             * Tiles
             * @description Address of the tiles
             */
            tiles: string[];
            /**
             * Minzoom
             * @description Level at which the scene fits one tile
             */
            minzoom: number;
            /**
             * Maxzoom
             * @description Level of the scene's own resolution
             */
            maxzoom: number;
            /**
             * Bounds
             * @description West, south, east, north of the scene
             */
            bounds: [
                number,
                number,
                number,
                number
            ];
            /**
             * Center
             * @description Longitude, latitude and zoom to begin with
             */
            center: [
                number,
                number,
                number
            ];
            /**
             * Name
             * @description The item's id
             */
            name: string;
        };
        /**
         * TimeInterval
         * @description https://github.com/radiantearth/stac-spec/blob/v1.0.0/collection-spec/collection-spec.md#temporal-extent-object
         */
        TimeInterval: {
            /** Interval */
            interval: (string | null)[][];
        };
        /** Links */
        stac_pydantic__api__links__Links: (components["schemas"]["SearchLink"] | components["schemas"]["PaginationLink"] | components["schemas"]["ItemsLink"] | components["schemas"]["Link"])[];
        /** Links */
        stac_pydantic__links__Links: components["schemas"]["Link"][];
        /**
         * ItemExample
         * @description An item of a collection, as an example.
         */
        ItemExample: {
            /**
             * Collection
             * @description Id of the collection
             */
            collection: string;
            /**
             * Id
             * @description Id of the item
             */
            id: string;
        };
        /**
         * TextExample
         * @description Words, as an example.
         */
        TextExample: {
            /**
             * Text
             * @description Words
             */
            text: string;
        };
        /**
         * Weights
         * @description What each part counts; left out, its default.
         */
        Weights: {
            /**
             * Text
             * @description Default 1
             * @default null
             */
            text?: number | null;
            /**
             * Like
             * @description Of the example item or uploaded image; default 1
             * @default null
             */
            like?: number | null;
            /**
             * Like Place
             * @description Default 1
             * @default null
             */
            like_place?: number | null;
            /**
             * Positives
             * @description Of all together; default 0.75
             * @default null
             */
            positives?: number | null;
            /**
             * Negatives
             * @description Of all together, subtracted; default 0.5
             * @default null
             */
            negatives?: number | null;
            /**
             * Near
             * @description Default 0: nearness is a filter
             * @default null
             */
            near?: number | null;
        };
        /**
         * SemanticQuery
         * @description A semantic search: something to rank by (text, like, an image, near, like_place or positives), and filters.
         * @example {
         *       "limit": 10,
         *       "text": "harbour with ships"
         *     }
         * @example {
         *       "bbox": [
         *         -10,
         *         35,
         *         30,
         *         60
         *       ],
         *       "datetime": "2020-01-01T00:00:00Z/..",
         *       "min_confidence": 0.5,
         *       "negatives": [
         *         {
         *           "text": "open sea"
         *         }
         *       ],
         *       "text": "flooded fields beside a river"
         *     }
         */
        SemanticQuery: {
            /**
             * Text
             * @description What to look for, from a keyword to a paragraph
             * @default null
             */
            text?: string | null;
            /**
             * @description An item to look like
             * @default null
             */
            like?: components["schemas"]["ItemExample"] | null;
            /**
             * Near
             * @description A place, [longitude, latitude]: alone it ranks by distance, beside other parts it is a filter
             * @default null
             */
            near?: [
                number,
                number
            ] | null;
            /**
             * Radius Km
             * @description How near; 50 by default
             * @default null
             */
            radius_km?: number | null;
            /**
             * Like Place
             * @description A place to look like, [longitude, latitude], for models that encode places
             * @default null
             */
            like_place?: [
                number,
                number
            ] | null;
            /**
             * Positives
             * @description Examples to favour
             */
            positives?: (components["schemas"]["ItemExample"] | components["schemas"]["TextExample"])[];
            /**
             * Negatives
             * @description Examples to avoid
             */
            negatives?: (components["schemas"]["ItemExample"] | components["schemas"]["TextExample"])[];
            /** @description What each part counts */
            weights?: components["schemas"]["Weights"];
            /**
             * Min Confidence
             * @description Of the best items, leave out those of lower confidence
             * @default null
             */
            min_confidence?: number | null;
            /**
             * Limit
             * @description How many items at most; cut to the service's own limit
             * @default 20
             */
            limit?: number;
            /**
             * Per Sensor
             * @description The best items of each sensor, side by side
             * @default false
             */
            per_sensor?: boolean;
            /**
             * Similarity
             * @description Cosine, or fused with local similarity
             * @default global
             * @enum {string}
             */
            similarity?: "global" | "fused";
            /**
             * Rerank
             * @description Sort the first hits again, asking back
             * @default none
             * @enum {string}
             */
            rerank?: "none" | "bank";
            /**
             * Bbox
             * @description West, south, east, north
             * @default null
             */
            bbox?: number[] | null;
            /**
             * Intersects
             * @description GeoJSON geometry that footprints intersect
             * @default null
             */
            intersects?: {
                [key: string]: unknown;
            } | null;
            /**
             * Datetime
             * @description RFC 3339 instant or interval
             * @default null
             */
            datetime?: string | null;
            /**
             * Collections
             * @description Only these collections
             * @default null
             */
            collections?: string[] | null;
            /**
             * Sensors
             * @description Only these sensors or families (s2, s1)
             * @default null
             */
            sensors?: string[] | null;
            /**
             * Filter
             * @description CQL2, JSON or text, see filter-lang
             * @default null
             */
            filter?: unknown;
            /**
             * Filter-Lang
             * @description By default text if filter is a text
             * @default null
             */
            "filter-lang"?: ("cql2-json" | "cql2-text") | null;
            /**
             * Image Sensor
             * @description Sensor of the uploaded image
             * @default null
             */
            image_sensor?: string | null;
        };
        /**
         * Problem
         * @description Why a request was refused, or could not be answered
         */
        Problem: {
            /**
             * @description Kind of problem
             * @example NotFound
             */
            code: string;
            /**
             * @description What is wrong, and what to do
             * @example there is no collection 'coast-s3'
             */
            description: string;
        };
        /**
         * HeatOverlay
         * @description A heat map, ready to lie on a map.
         */
        HeatOverlay: {
            /**
             * Image
             * @description PNG with transparency, as a data URL
             */
            image: string;
            /**
             * Corners
             * @description (lon, lat) of its upper left, upper right, lower right and lower left; null without georeference
             */
            corners: [
                number,
                number
            ][] | null;
            /**
             * Peaks
             * @description GeoJSON features of the best places, best first
             */
            peaks: {
                [key: string]: unknown;
            };
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    Landing_Page__get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "Catalog",
                     *       "stac_version": "1.1.0",
                     *       "id": "swath",
                     *       "title": "swath",
                     *       "description": "Earth-observation archives, searched by meaning.",
                     *       "conformsTo": [
                     *         "https://api.stacspec.org/v1.0.0/core",
                     *         "https://api.stacspec.org/v1.0.0/item-search"
                     *       ],
                     *       "links": [
                     *         {
                     *           "rel": "search",
                     *           "href": "http://127.0.0.1:8080/search"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["LandingPage"];
                };
            };
            /** @description The request cannot be used; the description says why */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description A token is needed */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests; `Retry-After` says when to try again */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description An unexpected failure */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Not ready, took too long, or an archive cannot be read */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    Conformance_Classes_conformance_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "conformsTo": [
                     *         "https://api.stacspec.org/v1.0.0/core",
                     *         "https://api.stacspec.org/v1.0.0/item-search"
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["Conformance"];
                };
            };
            /** @description The request cannot be used; the description says why */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description A token is needed */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests; `Retry-After` says when to try again */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description An unexpected failure */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Not ready, took too long, or an archive cannot be read */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    Get_Item_collections__collection_id__items__item_id__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description Collection ID
                 * @example coast-s2-l2a
                 */
                collection_id: string;
                /**
                 * @description Item ID
                 * @example 5f0c9b1e2d3a4b5c6d7e8f9001122334
                 */
                item_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "Feature",
                     *       "stac_version": "1.1.0",
                     *       "id": "5f0c9b1e2d3a4b5c6d7e8f9001122334",
                     *       "collection": "coast-s2-l2a",
                     *       "geometry": {
                     *         "type": "Polygon",
                     *         "coordinates": [
                     *           [
                     *             [
                     *               -5,
                     *               48
                     *             ],
                     *             [
                     *               -3,
                     *               48
                     *             ],
                     *             [
                     *               -3,
                     *               49
                     *             ],
                     *             [
                     *               -5,
                     *               49
                     *             ],
                     *             [
                     *               -5,
                     *               48
                     *             ]
                     *           ]
                     *         ]
                     *       },
                     *       "bbox": [
                     *         -5,
                     *         48,
                     *         -3,
                     *         49
                     *       ],
                     *       "properties": {
                     *         "datetime": "2020-06-01T11:06:21Z",
                     *         "eo:cloud_cover": 3.1,
                     *         "swath:sensor": "s2-l2a",
                     *         "swath:window": [
                     *           0,
                     *           256,
                     *           256,
                     *           256
                     *         ]
                     *       },
                     *       "links": [
                     *         {
                     *           "rel": "self",
                     *           "href": "http://127.0.0.1:8080/collections/coast-s2-l2a/items/5f0c9b1e2d3a4b5c6d7e8f9001122334",
                     *           "type": "application/geo+json"
                     *         }
                     *       ],
                     *       "assets": {
                     *         "thumbnail": {
                     *           "href": "http://127.0.0.1:8080/collections/coast-s2-l2a/items/5f0c9b1e2d3a4b5c6d7e8f9001122334/thumbnail",
                     *           "type": "image/jpeg"
                     *         }
                     *       }
                     *     }
                     */
                    "application/geo+json": components["schemas"]["Item"];
                };
            };
            /** @description The request cannot be used; the description says why */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description A token is needed */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests; `Retry-After` says when to try again */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description An unexpected failure */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Not ready, took too long, or an archive cannot be read */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    Search_search_get: {
        parameters: {
            query?: {
                /**
                 * @description Array of collection Ids to search for items.
                 * @example coast-s2-l2a
                 */
                collections?: string | null;
                /**
                 * @description Array of Item ids to return.
                 * @example 5f0c9b1e2d3a4b5c6d7e8f9001122334
                 */
                ids?: string | null;
                /**
                 * @description Only return items intersecting this bounding box. Mutually exclusive with **intersects**.
                 * @example -5,48,-3,49
                 */
                bbox?: string | null;
                /**
                 * @description Only return items intersecting this GeoJSON Geometry. Mutually exclusive with **bbox**.
                 *
                 *     *Remember to URL encode the GeoJSON geometry when using GET request*.
                 * @example {"type": "Point", "coordinates": [-4, 48.5]}
                 */
                intersects?: string | null;
                /**
                 * @description Only return items that have a temporal property that intersects this value.
                 *
                 *     Either a date-time or an interval, open or closed. Date and time expressions adhere to RFC 3339. Open intervals are expressed using double-dots.
                 * @example 2020-01-01T00:00:00Z/..
                 */
                datetime?: string | null;
                /**
                 * @description Limits the number of results that are included in each page of the response (capped to 10_000).
                 * @example 10
                 */
                limit?: number | null;
                /**
                 * @description Include or exclude fields from items body.
                 * @example properties.datetime,-assets
                 */
                fields?: string | null;
                /**
                 * @description A CQL2 filter expression for filtering items.
                 *
                 *     Supports `CQL2-JSON` as defined in https://docs.ogc.org/is/21-065r2/21-065r2.htmln
                 *     Remember to URL encode the CQL2-JSON if using GET
                 * @example eo:cloud_cover < 20 AND swath:sensor = 's2-l2a'
                 */
                filter?: string | null;
                /**
                 * @description The coordinate reference system (CRS) used by spatial literals in the 'filter' value. Default is `http://www.opengis.net/def/crs/OGC/1.3/CRS84`
                 * @example http://www.opengis.net/def/crs/OGC/1.3/CRS84
                 */
                "filter-crs"?: string | null;
                /**
                 * @description The CQL filter encoding that the 'filter' value uses.
                 * @example cql2-text
                 */
                "filter-lang"?: ("cql2-json" | "cql2-text") | null;
                /**
                 * @description An array of property names, prefixed by either '+' for ascending or '-' for descending. If no prefix is provided, '+' is assumed.
                 * @example -datetime
                 */
                sortby?: string | null;
                /**
                 * @description Parameter to perform free-text queries against STAC metadata
                 * @example harbour,port of call
                 */
                q?: string | null;
                /**
                 * @description Of the link to the next page, as it is
                 * @example eyJ2IjpbWzAsM11dLCJuIjoxMCwiYSI6WzAsIjVmMGMiXX0
                 */
                token?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "FeatureCollection",
                     *       "numberReturned": 1,
                     *       "numberMatched": 1,
                     *       "links": [],
                     *       "features": [
                     *         {
                     *           "type": "Feature",
                     *           "stac_version": "1.1.0",
                     *           "id": "5f0c9b1e2d3a4b5c6d7e8f9001122334",
                     *           "collection": "coast-s2-l2a",
                     *           "geometry": {
                     *             "type": "Polygon",
                     *             "coordinates": [
                     *               [
                     *                 [
                     *                   -5,
                     *                   48
                     *                 ],
                     *                 [
                     *                   -3,
                     *                   48
                     *                 ],
                     *                 [
                     *                   -3,
                     *                   49
                     *                 ],
                     *                 [
                     *                   -5,
                     *                   49
                     *                 ],
                     *                 [
                     *                   -5,
                     *                   48
                     *                 ]
                     *               ]
                     *             ]
                     *           },
                     *           "bbox": [
                     *             -5,
                     *             48,
                     *             -3,
                     *             49
                     *           ],
                     *           "properties": {
                     *             "datetime": "2020-06-01T11:06:21Z",
                     *             "eo:cloud_cover": 3.1,
                     *             "swath:sensor": "s2-l2a",
                     *             "swath:window": [
                     *               0,
                     *               256,
                     *               256,
                     *               256
                     *             ]
                     *           },
                     *           "links": [
                     *             {
                     *               "rel": "self",
                     *               "href": "http://127.0.0.1:8080/collections/coast-s2-l2a/items/5f0c9b1e2d3a4b5c6d7e8f9001122334",
                     *               "type": "application/geo+json"
                     *             }
                     *           ],
                     *           "assets": {
                     *             "thumbnail": {
                     *               "href": "http://127.0.0.1:8080/collections/coast-s2-l2a/items/5f0c9b1e2d3a4b5c6d7e8f9001122334/thumbnail",
                     *               "type": "image/jpeg"
                     *             }
                     *           }
                     *         }
                     *       ]
                     *     }
                     */
                    "application/geo+json": components["schemas"]["ItemCollection"];
                };
            };
            /** @description The request cannot be used; the description says why */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description A token is needed */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests; `Retry-After` says when to try again */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description An unexpected failure */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Not ready, took too long, or an archive cannot be read */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    Search_search_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SearchPostRequest"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "FeatureCollection",
                     *       "numberReturned": 1,
                     *       "numberMatched": 1,
                     *       "links": [],
                     *       "features": [
                     *         {
                     *           "type": "Feature",
                     *           "stac_version": "1.1.0",
                     *           "id": "5f0c9b1e2d3a4b5c6d7e8f9001122334",
                     *           "collection": "coast-s2-l2a",
                     *           "geometry": {
                     *             "type": "Polygon",
                     *             "coordinates": [
                     *               [
                     *                 [
                     *                   -5,
                     *                   48
                     *                 ],
                     *                 [
                     *                   -3,
                     *                   48
                     *                 ],
                     *                 [
                     *                   -3,
                     *                   49
                     *                 ],
                     *                 [
                     *                   -5,
                     *                   49
                     *                 ],
                     *                 [
                     *                   -5,
                     *                   48
                     *                 ]
                     *               ]
                     *             ]
                     *           },
                     *           "bbox": [
                     *             -5,
                     *             48,
                     *             -3,
                     *             49
                     *           ],
                     *           "properties": {
                     *             "datetime": "2020-06-01T11:06:21Z",
                     *             "eo:cloud_cover": 3.1,
                     *             "swath:sensor": "s2-l2a",
                     *             "swath:window": [
                     *               0,
                     *               256,
                     *               256,
                     *               256
                     *             ]
                     *           },
                     *           "links": [
                     *             {
                     *               "rel": "self",
                     *               "href": "http://127.0.0.1:8080/collections/coast-s2-l2a/items/5f0c9b1e2d3a4b5c6d7e8f9001122334",
                     *               "type": "application/geo+json"
                     *             }
                     *           ],
                     *           "assets": {
                     *             "thumbnail": {
                     *               "href": "http://127.0.0.1:8080/collections/coast-s2-l2a/items/5f0c9b1e2d3a4b5c6d7e8f9001122334/thumbnail",
                     *               "type": "image/jpeg"
                     *             }
                     *           }
                     *         }
                     *       ]
                     *     }
                     */
                    "application/geo+json": components["schemas"]["ItemCollection"];
                };
            };
            /** @description The request cannot be used; the description says why */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description A token is needed */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is of a type that is not read */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests; `Retry-After` says when to try again */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description An unexpected failure */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Not ready, took too long, or an archive cannot be read */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    Get_Collections_collections_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "collections": [
                     *         {
                     *           "type": "Collection",
                     *           "stac_version": "1.1.0",
                     *           "id": "coast-s2-l2a",
                     *           "license": "other",
                     *           "description": "1200 chips of s2-l2a in the archive coast, embedded by swath-mini@0123456789ab.",
                     *           "extent": {
                     *             "spatial": {
                     *               "bbox": [
                     *                 [
                     *                   -5,
                     *                   48,
                     *                   -3,
                     *                   49
                     *                 ]
                     *               ]
                     *             },
                     *             "temporal": {
                     *               "interval": [
                     *                 [
                     *                   "2020-06-01T11:06:21Z",
                     *                   "2020-09-01T11:06:21Z"
                     *                 ]
                     *               ]
                     *             }
                     *           },
                     *           "swath:archive": "coast",
                     *           "swath:sensor": "s2-l2a",
                     *           "swath:rows": 1200,
                     *           "swath:abilities": [
                     *             "caption"
                     *           ],
                     *           "emb:type": "chip",
                     *           "emb:dimensions": 512,
                     *           "links": [
                     *             {
                     *               "rel": "self",
                     *               "href": "http://127.0.0.1:8080/collections/coast-s2-l2a",
                     *               "type": "application/json"
                     *             }
                     *           ]
                     *         }
                     *       ],
                     *       "links": [],
                     *       "numberMatched": 1,
                     *       "numberReturned": 1
                     *     }
                     */
                    "application/json": components["schemas"]["Collections"];
                };
            };
            /** @description The request cannot be used; the description says why */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description A token is needed */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests; `Retry-After` says when to try again */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description An unexpected failure */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Not ready, took too long, or an archive cannot be read */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    Get_Collection_collections__collection_id__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description Collection ID
                 * @example coast-s2-l2a
                 */
                collection_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "Collection",
                     *       "stac_version": "1.1.0",
                     *       "id": "coast-s2-l2a",
                     *       "license": "other",
                     *       "description": "1200 chips of s2-l2a in the archive coast, embedded by swath-mini@0123456789ab.",
                     *       "extent": {
                     *         "spatial": {
                     *           "bbox": [
                     *             [
                     *               -5,
                     *               48,
                     *               -3,
                     *               49
                     *             ]
                     *           ]
                     *         },
                     *         "temporal": {
                     *           "interval": [
                     *             [
                     *               "2020-06-01T11:06:21Z",
                     *               "2020-09-01T11:06:21Z"
                     *             ]
                     *           ]
                     *         }
                     *       },
                     *       "swath:archive": "coast",
                     *       "swath:sensor": "s2-l2a",
                     *       "swath:rows": 1200,
                     *       "swath:abilities": [
                     *         "caption"
                     *       ],
                     *       "emb:type": "chip",
                     *       "emb:dimensions": 512,
                     *       "links": [
                     *         {
                     *           "rel": "self",
                     *           "href": "http://127.0.0.1:8080/collections/coast-s2-l2a",
                     *           "type": "application/json"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["Collection"];
                };
            };
            /** @description The request cannot be used; the description says why */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description A token is needed */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests; `Retry-After` says when to try again */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description An unexpected failure */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Not ready, took too long, or an archive cannot be read */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    Get_ItemCollection_collections__collection_id__items_get: {
        parameters: {
            query?: {
                /**
                 * @description Limits the number of results that are included in each page of the response (capped to 10_000).
                 * @example 10
                 */
                limit?: number | null;
                /**
                 * @description Only return items intersecting this bounding box. Mutually exclusive with **intersects**.
                 * @example -5,48,-3,49
                 */
                bbox?: string | null;
                /**
                 * @description Only return items that have a temporal property that intersects this value.
                 *
                 *     Either a date-time or an interval, open or closed. Date and time expressions adhere to RFC 3339. Open intervals are expressed using double-dots.
                 * @example 2020-01-01T00:00:00Z/..
                 */
                datetime?: string | null;
                /**
                 * @description Include or exclude fields from items body.
                 * @example properties.datetime,-assets
                 */
                fields?: string | null;
                /**
                 * @description A CQL2 filter expression for filtering items.
                 *
                 *     Supports `CQL2-JSON` as defined in https://docs.ogc.org/is/21-065r2/21-065r2.htmln
                 *     Remember to URL encode the CQL2-JSON if using GET
                 * @example eo:cloud_cover < 20 AND swath:sensor = 's2-l2a'
                 */
                filter?: string | null;
                /**
                 * @description The coordinate reference system (CRS) used by spatial literals in the 'filter' value. Default is `http://www.opengis.net/def/crs/OGC/1.3/CRS84`
                 * @example http://www.opengis.net/def/crs/OGC/1.3/CRS84
                 */
                "filter-crs"?: string | null;
                /**
                 * @description The CQL filter encoding that the 'filter' value uses.
                 * @example cql2-text
                 */
                "filter-lang"?: ("cql2-json" | "cql2-text") | null;
                /**
                 * @description An array of property names, prefixed by either '+' for ascending or '-' for descending. If no prefix is provided, '+' is assumed.
                 * @example -datetime
                 */
                sortby?: string | null;
                /**
                 * @description Parameter to perform free-text queries against STAC metadata
                 * @example harbour,port of call
                 */
                q?: string | null;
                /**
                 * @description Of the link to the next page, as it is
                 * @example eyJ2IjpbWzAsM11dLCJuIjoxMCwiYSI6WzAsIjVmMGMiXX0
                 */
                token?: string | null;
            };
            header?: never;
            path: {
                /**
                 * @description Collection ID
                 * @example coast-s2-l2a
                 */
                collection_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "FeatureCollection",
                     *       "numberReturned": 1,
                     *       "numberMatched": 1,
                     *       "links": [],
                     *       "features": [
                     *         {
                     *           "type": "Feature",
                     *           "stac_version": "1.1.0",
                     *           "id": "5f0c9b1e2d3a4b5c6d7e8f9001122334",
                     *           "collection": "coast-s2-l2a",
                     *           "geometry": {
                     *             "type": "Polygon",
                     *             "coordinates": [
                     *               [
                     *                 [
                     *                   -5,
                     *                   48
                     *                 ],
                     *                 [
                     *                   -3,
                     *                   48
                     *                 ],
                     *                 [
                     *                   -3,
                     *                   49
                     *                 ],
                     *                 [
                     *                   -5,
                     *                   49
                     *                 ],
                     *                 [
                     *                   -5,
                     *                   48
                     *                 ]
                     *               ]
                     *             ]
                     *           },
                     *           "bbox": [
                     *             -5,
                     *             48,
                     *             -3,
                     *             49
                     *           ],
                     *           "properties": {
                     *             "datetime": "2020-06-01T11:06:21Z",
                     *             "eo:cloud_cover": 3.1,
                     *             "swath:sensor": "s2-l2a",
                     *             "swath:window": [
                     *               0,
                     *               256,
                     *               256,
                     *               256
                     *             ]
                     *           },
                     *           "links": [
                     *             {
                     *               "rel": "self",
                     *               "href": "http://127.0.0.1:8080/collections/coast-s2-l2a/items/5f0c9b1e2d3a4b5c6d7e8f9001122334",
                     *               "type": "application/geo+json"
                     *             }
                     *           ],
                     *           "assets": {
                     *             "thumbnail": {
                     *               "href": "http://127.0.0.1:8080/collections/coast-s2-l2a/items/5f0c9b1e2d3a4b5c6d7e8f9001122334/thumbnail",
                     *               "type": "image/jpeg"
                     *             }
                     *           }
                     *         }
                     *       ]
                     *     }
                     */
                    "application/geo+json": components["schemas"]["ItemCollection"];
                };
            };
            /** @description The request cannot be used; the description says why */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description A token is needed */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests; `Retry-After` says when to try again */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description An unexpected failure */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Not ready, took too long, or an archive cannot be read */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    Queryables_queryables_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "$schema": "https://json-schema.org/draft/2020-12/schema",
                     *       "$id": "http://127.0.0.1:8080/queryables",
                     *       "type": "object",
                     *       "properties": {
                     *         "eo:cloud_cover": {
                     *           "type": "number",
                     *           "minimum": 0,
                     *           "maximum": 100
                     *         }
                     *       },
                     *       "additionalProperties": true
                     *     }
                     */
                    "application/schema+json": unknown;
                };
            };
            /** @description The request cannot be used; the description says why */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description A token is needed */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests; `Retry-After` says when to try again */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description An unexpected failure */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Not ready, took too long, or an archive cannot be read */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    Collection_Queryables_collections__collection_id__queryables_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description Collection ID
                 * @example coast-s2-l2a
                 */
                collection_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "$schema": "https://json-schema.org/draft/2020-12/schema",
                     *       "$id": "http://127.0.0.1:8080/queryables",
                     *       "type": "object",
                     *       "properties": {
                     *         "eo:cloud_cover": {
                     *           "type": "number",
                     *           "minimum": 0,
                     *           "maximum": 100
                     *         }
                     *       },
                     *       "additionalProperties": true
                     *     }
                     */
                    "application/schema+json": unknown;
                };
            };
            /** @description The request cannot be used; the description says why */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description A token is needed */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests; `Retry-After` says when to try again */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description An unexpected failure */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Not ready, took too long, or an archive cannot be read */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    Ping__mgmt_ping_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "message": "PONG"
                     *     }
                     */
                    "application/json": {
                        [key: string]: unknown;
                    };
                };
            };
            /** @description The request cannot be used; the description says why */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description A token is needed */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests; `Retry-After` says when to try again */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description An unexpected failure */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Not ready, took too long, or an archive cannot be read */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    Health__mgmt_health_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "status": "UP"
                     *     }
                     */
                    "application/json": components["schemas"]["HealthCheck"];
                };
            };
            /** @description The request cannot be used; the description says why */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description A token is needed */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests; `Retry-After` says when to try again */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description An unexpected failure */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Not ready, took too long, or an archive cannot be read */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_semantic_search_semantic_search_get: {
        parameters: {
            query?: {
                /**
                 * @description What to look for
                 * @example harbour with ships
                 */
                text?: string | null;
                /**
                 * @description An item to look like, COLLECTION/ID
                 * @example coast-s2-l2a/5f0c9b1e2d3a4b5c6d7e8f9001122334
                 */
                like?: string | null;
                /**
                 * @description A place, LON,LAT
                 * @example -4.0,48.6
                 */
                near?: string | null;
                /**
                 * @description How near
                 * @example 50
                 */
                radius_km?: number | null;
                /**
                 * @description A place to look like, LON,LAT
                 * @example -4.0,48.6
                 */
                like_place?: string | null;
                /**
                 * @description COLLECTION/ID to favour; repeatable
                 * @example [
                 *       "coast-s2-l2a/5f0c9b1e2d3a4b5c6d7e8f9001122334"
                 *     ]
                 */
                positives?: string[] | null;
                /**
                 * @description COLLECTION/ID to avoid; repeatable
                 * @example [
                 *       "coast-s2-l2a/5f0c9b1e2d3a4b5c6d7e8f9001122334"
                 *     ]
                 */
                negatives?: string[] | null;
                /**
                 * @description Words to favour; repeatable
                 * @example [
                 *       "boats"
                 *     ]
                 */
                positive_texts?: string[] | null;
                /**
                 * @description Words to avoid; repeatable
                 * @example [
                 *       "open sea"
                 *     ]
                 */
                negative_texts?: string[] | null;
                /**
                 * @description text=1,near=0.5
                 * @example text=2,negatives=1
                 */
                weights?: string | null;
                /**
                 * @description Of the best items, leave out those of lower confidence
                 * @example 0.5
                 */
                min_confidence?: number | null;
                /**
                 * @description How many items at most
                 * @example 10
                 */
                limit?: number;
                /**
                 * @description The best of each sensor
                 * @example false
                 */
                per_sensor?: boolean;
                /**
                 * @description Cosine, or fused with local similarity
                 * @example global
                 */
                similarity?: string;
                /**
                 * @description Sort the first hits again, asking back
                 * @example none
                 */
                rerank?: string;
                /**
                 * @description West,south,east,north
                 * @example -5,48,-3,49
                 */
                bbox?: string | null;
                /**
                 * @description GeoJSON geometry
                 * @example {"type": "Point", "coordinates": [-4, 48.5]}
                 */
                intersects?: string | null;
                /**
                 * @description RFC 3339 instant or interval
                 * @example 2020-01-01T00:00:00Z/..
                 */
                datetime?: string | null;
                /**
                 * @description Ids, separated by commas
                 * @example coast-s2-l2a
                 */
                collections?: string | null;
                /**
                 * @description Sensors or families, separated by commas
                 * @example s2,s1
                 */
                sensors?: string | null;
                /**
                 * @description CQL2
                 * @example eo:cloud_cover < 20 AND swath:sensor = 's2-l2a'
                 */
                filter?: string | null;
                /**
                 * @description Which CQL2 the filter is
                 * @example cql2-text
                 */
                "filter-lang"?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "FeatureCollection",
                     *       "numberReturned": 1,
                     *       "links": [],
                     *       "features": [
                     *         {
                     *           "type": "Feature",
                     *           "stac_version": "1.1.0",
                     *           "id": "5f0c9b1e2d3a4b5c6d7e8f9001122334",
                     *           "collection": "coast-s2-l2a",
                     *           "geometry": {
                     *             "type": "Polygon",
                     *             "coordinates": [
                     *               [
                     *                 [
                     *                   -5,
                     *                   48
                     *                 ],
                     *                 [
                     *                   -3,
                     *                   48
                     *                 ],
                     *                 [
                     *                   -3,
                     *                   49
                     *                 ],
                     *                 [
                     *                   -5,
                     *                   49
                     *                 ],
                     *                 [
                     *                   -5,
                     *                   48
                     *                 ]
                     *               ]
                     *             ]
                     *           },
                     *           "bbox": [
                     *             -5,
                     *             48,
                     *             -3,
                     *             49
                     *           ],
                     *           "properties": {
                     *             "datetime": "2020-06-01T11:06:21Z",
                     *             "eo:cloud_cover": 3.1,
                     *             "swath:sensor": "s2-l2a",
                     *             "swath:window": [
                     *               0,
                     *               256,
                     *               256,
                     *               256
                     *             ],
                     *             "swath:rank": 1,
                     *             "swath:score": 0.31,
                     *             "swath:confidence": 0.93
                     *           },
                     *           "links": [
                     *             {
                     *               "rel": "self",
                     *               "href": "http://127.0.0.1:8080/collections/coast-s2-l2a/items/5f0c9b1e2d3a4b5c6d7e8f9001122334",
                     *               "type": "application/geo+json"
                     *             }
                     *           ],
                     *           "assets": {
                     *             "thumbnail": {
                     *               "href": "http://127.0.0.1:8080/collections/coast-s2-l2a/items/5f0c9b1e2d3a4b5c6d7e8f9001122334/thumbnail",
                     *               "type": "image/jpeg"
                     *             }
                     *           }
                     *         }
                     *       ],
                     *       "swath:context": {
                     *         "confidence": 0.97,
                     *         "matches_well": true,
                     *         "message": null,
                     *         "model": [
                     *           "swath-mini@0123456789ab"
                     *         ],
                     *         "took_ms": 21.4
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["SemanticAnswer"];
                    /**
                     * @example {
                     *       "type": "FeatureCollection",
                     *       "numberReturned": 1,
                     *       "links": [],
                     *       "features": [
                     *         {
                     *           "type": "Feature",
                     *           "stac_version": "1.1.0",
                     *           "id": "5f0c9b1e2d3a4b5c6d7e8f9001122334",
                     *           "collection": "coast-s2-l2a",
                     *           "geometry": {
                     *             "type": "Polygon",
                     *             "coordinates": [
                     *               [
                     *                 [
                     *                   -5,
                     *                   48
                     *                 ],
                     *                 [
                     *                   -3,
                     *                   48
                     *                 ],
                     *                 [
                     *                   -3,
                     *                   49
                     *                 ],
                     *                 [
                     *                   -5,
                     *                   49
                     *                 ],
                     *                 [
                     *                   -5,
                     *                   48
                     *                 ]
                     *               ]
                     *             ]
                     *           },
                     *           "bbox": [
                     *             -5,
                     *             48,
                     *             -3,
                     *             49
                     *           ],
                     *           "properties": {
                     *             "datetime": "2020-06-01T11:06:21Z",
                     *             "eo:cloud_cover": 3.1,
                     *             "swath:sensor": "s2-l2a",
                     *             "swath:window": [
                     *               0,
                     *               256,
                     *               256,
                     *               256
                     *             ],
                     *             "swath:rank": 1,
                     *             "swath:score": 0.31,
                     *             "swath:confidence": 0.93
                     *           },
                     *           "links": [
                     *             {
                     *               "rel": "self",
                     *               "href": "http://127.0.0.1:8080/collections/coast-s2-l2a/items/5f0c9b1e2d3a4b5c6d7e8f9001122334",
                     *               "type": "application/geo+json"
                     *             }
                     *           ],
                     *           "assets": {
                     *             "thumbnail": {
                     *               "href": "http://127.0.0.1:8080/collections/coast-s2-l2a/items/5f0c9b1e2d3a4b5c6d7e8f9001122334/thumbnail",
                     *               "type": "image/jpeg"
                     *             }
                     *           }
                     *         }
                     *       ],
                     *       "swath:context": {
                     *         "confidence": 0.97,
                     *         "matches_well": true,
                     *         "message": null,
                     *         "model": [
                     *           "swath-mini@0123456789ab"
                     *         ],
                     *         "took_ms": 21.4
                     *       }
                     *     }
                     */
                    "application/geo+json": unknown;
                };
            };
            /** @description The query cannot be used; the description says why */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description A token is needed */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The image is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Neither JSON nor multipart, or no image */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The image cannot be read */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description An unexpected failure */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Not ready, took too long, or an archive cannot be read */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    post_semantic_search_semantic_search_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SemanticQuery"];
                "multipart/form-data": {
                    /** @description A SemanticQuery as JSON text */
                    query?: string;
                    /**
                     * Format: binary
                     * @description An image to look like
                     */
                    image: string;
                };
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "FeatureCollection",
                     *       "numberReturned": 1,
                     *       "links": [],
                     *       "features": [
                     *         {
                     *           "type": "Feature",
                     *           "stac_version": "1.1.0",
                     *           "id": "5f0c9b1e2d3a4b5c6d7e8f9001122334",
                     *           "collection": "coast-s2-l2a",
                     *           "geometry": {
                     *             "type": "Polygon",
                     *             "coordinates": [
                     *               [
                     *                 [
                     *                   -5,
                     *                   48
                     *                 ],
                     *                 [
                     *                   -3,
                     *                   48
                     *                 ],
                     *                 [
                     *                   -3,
                     *                   49
                     *                 ],
                     *                 [
                     *                   -5,
                     *                   49
                     *                 ],
                     *                 [
                     *                   -5,
                     *                   48
                     *                 ]
                     *               ]
                     *             ]
                     *           },
                     *           "bbox": [
                     *             -5,
                     *             48,
                     *             -3,
                     *             49
                     *           ],
                     *           "properties": {
                     *             "datetime": "2020-06-01T11:06:21Z",
                     *             "eo:cloud_cover": 3.1,
                     *             "swath:sensor": "s2-l2a",
                     *             "swath:window": [
                     *               0,
                     *               256,
                     *               256,
                     *               256
                     *             ],
                     *             "swath:rank": 1,
                     *             "swath:score": 0.31,
                     *             "swath:confidence": 0.93
                     *           },
                     *           "links": [
                     *             {
                     *               "rel": "self",
                     *               "href": "http://127.0.0.1:8080/collections/coast-s2-l2a/items/5f0c9b1e2d3a4b5c6d7e8f9001122334",
                     *               "type": "application/geo+json"
                     *             }
                     *           ],
                     *           "assets": {
                     *             "thumbnail": {
                     *               "href": "http://127.0.0.1:8080/collections/coast-s2-l2a/items/5f0c9b1e2d3a4b5c6d7e8f9001122334/thumbnail",
                     *               "type": "image/jpeg"
                     *             }
                     *           }
                     *         }
                     *       ],
                     *       "swath:context": {
                     *         "confidence": 0.97,
                     *         "matches_well": true,
                     *         "message": null,
                     *         "model": [
                     *           "swath-mini@0123456789ab"
                     *         ],
                     *         "took_ms": 21.4
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["SemanticAnswer"];
                    /**
                     * @example {
                     *       "type": "FeatureCollection",
                     *       "numberReturned": 1,
                     *       "links": [],
                     *       "features": [
                     *         {
                     *           "type": "Feature",
                     *           "stac_version": "1.1.0",
                     *           "id": "5f0c9b1e2d3a4b5c6d7e8f9001122334",
                     *           "collection": "coast-s2-l2a",
                     *           "geometry": {
                     *             "type": "Polygon",
                     *             "coordinates": [
                     *               [
                     *                 [
                     *                   -5,
                     *                   48
                     *                 ],
                     *                 [
                     *                   -3,
                     *                   48
                     *                 ],
                     *                 [
                     *                   -3,
                     *                   49
                     *                 ],
                     *                 [
                     *                   -5,
                     *                   49
                     *                 ],
                     *                 [
                     *                   -5,
                     *                   48
                     *                 ]
                     *               ]
                     *             ]
                     *           },
                     *           "bbox": [
                     *             -5,
                     *             48,
                     *             -3,
                     *             49
                     *           ],
                     *           "properties": {
                     *             "datetime": "2020-06-01T11:06:21Z",
                     *             "eo:cloud_cover": 3.1,
                     *             "swath:sensor": "s2-l2a",
                     *             "swath:window": [
                     *               0,
                     *               256,
                     *               256,
                     *               256
                     *             ],
                     *             "swath:rank": 1,
                     *             "swath:score": 0.31,
                     *             "swath:confidence": 0.93
                     *           },
                     *           "links": [
                     *             {
                     *               "rel": "self",
                     *               "href": "http://127.0.0.1:8080/collections/coast-s2-l2a/items/5f0c9b1e2d3a4b5c6d7e8f9001122334",
                     *               "type": "application/geo+json"
                     *             }
                     *           ],
                     *           "assets": {
                     *             "thumbnail": {
                     *               "href": "http://127.0.0.1:8080/collections/coast-s2-l2a/items/5f0c9b1e2d3a4b5c6d7e8f9001122334/thumbnail",
                     *               "type": "image/jpeg"
                     *             }
                     *           }
                     *         }
                     *       ],
                     *       "swath:context": {
                     *         "confidence": 0.97,
                     *         "matches_well": true,
                     *         "message": null,
                     *         "model": [
                     *           "swath-mini@0123456789ab"
                     *         ],
                     *         "took_ms": 21.4
                     *       }
                     *     }
                     */
                    "application/geo+json": unknown;
                };
            };
            /** @description The query cannot be used; the description says why */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description A token is needed */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The image is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Neither JSON nor multipart, or no image */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The image cannot be read */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description An unexpected failure */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Not ready, took too long, or an archive cannot be read */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    thumbnail_collections__collection_id__items__item_id__thumbnail_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description Collection ID
                 * @example coast-s2-l2a
                 */
                collection_id: string;
                /**
                 * @description Item ID
                 * @example 5f0c9b1e2d3a4b5c6d7e8f9001122334
                 */
                item_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The chip, as its sensor is shown */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "image/jpeg": unknown;
                };
            };
            /** @description The picture that the client has (If-None-Match) is still it */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request cannot be used; the description says why */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description A token is needed */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description No such collection or item */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The scene's file cannot be read any more */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description There are no valid pixels */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests; `Retry-After` says when to try again */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description An unexpected failure */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Not ready, took too long, or an archive cannot be read */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    embedding_collections__collection_id__items__item_id__embedding_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description Collection ID
                 * @example coast-s2-l2a
                 */
                collection_id: string;
                /**
                 * @description Item ID
                 * @example 5f0c9b1e2d3a4b5c6d7e8f9001122334
                 */
                item_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "5f0c9b1e2d3a4b5c6d7e8f9001122334",
                     *       "model": "swath-mini@0123456789ab",
                     *       "dimensions": 4,
                     *       "embedding": [
                     *         0.5,
                     *         -0.5,
                     *         0.5,
                     *         0.5
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["Embedding"];
                };
            };
            /** @description The request cannot be used; the description says why */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description A token is needed */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests; `Retry-After` says when to try again */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description An unexpected failure */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Not ready, took too long, or an archive cannot be read */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    heatmap_collections__collection_id__items__item_id__heatmap_get: {
        parameters: {
            query: {
                /**
                 * @description What to look for
                 * @example harbour with ships
                 */
                text: string;
                /**
                 * @description Look at the chip or its whole scene
                 * @example chip
                 */
                scope?: "chip" | "scene";
                /**
                 * @description A picture, its peaks, or both to lie on a map
                 * @example geojson
                 */
                f?: "png" | "geojson" | "map";
                /**
                 * @description Longest side of the picture
                 * @example 512
                 */
                side?: number;
            };
            header?: never;
            path: {
                /**
                 * @description Collection ID
                 * @example coast-s2-l2a
                 */
                collection_id: string;
                /**
                 * @description Item ID
                 * @example 5f0c9b1e2d3a4b5c6d7e8f9001122334
                 */
                item_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The scene, where the text fits glowing; its peaks; or both to lie on a map */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "image/png": unknown;
                    /**
                     * @example {
                     *       "type": "FeatureCollection",
                     *       "features": []
                     *     }
                     */
                    "application/geo+json": Record<string, never>;
                    /**
                     * @example {
                     *       "type": "FeatureCollection",
                     *       "features": []
                     *     }
                     */
                    "application/json": components["schemas"]["HeatOverlay"];
                };
            };
            /** @description The request cannot be used; the description says why */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description A token is needed */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description No such collection or item */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The scene's file cannot be read any more */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The chip or scene has too many pixels */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description There are no valid pixels */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests; `Retry-After` says when to try again */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description An unexpected failure */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Not ready, took too long, or an archive cannot be read */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    tilejson_collections__collection_id__items__item_id__tilejson_json_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description Collection ID
                 * @example coast-s2-l2a
                 */
                collection_id: string;
                /**
                 * @description Item ID
                 * @example 5f0c9b1e2d3a4b5c6d7e8f9001122334
                 */
                item_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "tilejson": "3.0.0",
                     *       "tiles": [
                     *         "http://127.0.0.1:8080/collections/coast-s2-l2a/items/5f0c9b1e2d3a4b5c6d7e8f9001122334/tiles/{z}/{x}/{y}.png"
                     *       ],
                     *       "minzoom": 8,
                     *       "maxzoom": 14,
                     *       "bounds": [
                     *         -5,
                     *         48,
                     *         -3,
                     *         49
                     *       ],
                     *       "center": [
                     *         -4,
                     *         48.5,
                     *         8
                     *       ],
                     *       "name": "5f0c9b1e2d3a4b5c6d7e8f9001122334"
                     *     }
                     */
                    "application/json": components["schemas"]["TileJson"];
                };
            };
            /** @description The request cannot be used; the description says why */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description A token is needed */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description It has no tiles */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests; `Retry-After` says when to try again */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description An unexpected failure */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Not ready, took too long, or an archive cannot be read */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    tile_collections__collection_id__items__item_id__tiles__z___x___y__png_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description Collection ID
                 * @example coast-s2-l2a
                 */
                collection_id: string;
                /**
                 * @description Item ID
                 * @example 5f0c9b1e2d3a4b5c6d7e8f9001122334
                 */
                item_id: string;
                /**
                 * @description Zoom level
                 * @example 12
                 */
                z: number;
                /**
                 * @description Column of the tile, from the west
                 * @example 2001
                 */
                x: number;
                /**
                 * @description Row of the tile, from the north
                 * @example 1418
                 */
                y: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A tile of the scene; transparent where it is not */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "image/png": unknown;
                };
            };
            /** @description The request cannot be used; the description says why */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description A token is needed */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description No such collection or item */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The scene's file cannot be read any more */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description There are no valid pixels */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests; `Retry-After` says when to try again */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description An unexpected failure */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Not ready, took too long, or an archive cannot be read */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    caption_collections__collection_id__items__item_id__caption_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description Collection ID
                 * @example coast-s2-l2a
                 */
                collection_id: string;
                /**
                 * @description Item ID
                 * @example 5f0c9b1e2d3a4b5c6d7e8f9001122334
                 */
                item_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "5f0c9b1e2d3a4b5c6d7e8f9001122334",
                     *       "caption": "several boats are in a harbour",
                     *       "captioner": "swath-mini@0123456789ab+ba9876543210"
                     *     }
                     */
                    "application/json": components["schemas"]["Caption"];
                };
            };
            /** @description The request cannot be used; the description says why */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description A token is needed */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description No such collection or item, or the archive's model cannot do that */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The scene's file cannot be read any more */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The item has too many pixels */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The item has no valid pixel */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description An unexpected failure */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description It took too long, or the model cannot be loaded */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ask_collections__collection_id__items__item_id__ask_post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description Collection ID
                 * @example coast-s2-l2a
                 */
                collection_id: string;
                /**
                 * @description Item ID
                 * @example 5f0c9b1e2d3a4b5c6d7e8f9001122334
                 */
                item_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Question"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "5f0c9b1e2d3a4b5c6d7e8f9001122334",
                     *       "question": "how many ships are there?",
                     *       "answer": "3",
                     *       "confidence": 0.62,
                     *       "type": "count",
                     *       "answerer": "swath-mini@0123456789ab+answerer@ba9876543210",
                     *       "then": []
                     *     }
                     */
                    "application/json": components["schemas"]["Answered"];
                };
            };
            /** @description The request cannot be used; the description says why */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description A token is needed */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description No such collection or item, or the archive's model cannot do that */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The scene's file cannot be read any more */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The item has too many pixels */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is of a type that is not read */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The item has no valid pixel */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description An unexpected failure */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description It took too long, or the model cannot be loaded */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    healthz_healthz_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "status": "ok"
                     *     }
                     */
                    "application/json": components["schemas"]["Health"];
                };
            };
            /** @description The request cannot be used; the description says why */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description A token is needed */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests; `Retry-After` says when to try again */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description An unexpected failure */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Not ready, took too long, or an archive cannot be read */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readyz_readyz_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "status": "ready",
                     *       "archives": {
                     *         "coast": 1200
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["Readiness"];
                };
            };
            /** @description The request cannot be used; the description says why */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description A token is needed */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests; `Retry-After` says when to try again */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description An unexpected failure */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Not yet, or not any more */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Readiness"];
                };
            };
        };
    };
    prometheus_metrics_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": unknown;
                };
            };
            /** @description The request cannot be used; the description says why */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description A token is needed */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests; `Retry-After` says when to try again */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description An unexpected failure */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Not ready, took too long, or an archive cannot be read */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    model_models__archive__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description Name of an archive
                 * @example coast
                 */
                archive: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "type": "Feature",
                     *       "stac_version": "1.1.0",
                     *       "id": "model-coast",
                     *       "geometry": null,
                     *       "properties": {
                     *         "datetime": "2024-05-01T00:00:00Z",
                     *         "mlm:name": "swath-mini@0123456789ab",
                     *         "mlm:architecture": "DualEncoder",
                     *         "mlm:tasks": [
                     *           "similarity-search"
                     *         ],
                     *         "swath:abilities": []
                     *       },
                     *       "links": [
                     *         {
                     *           "rel": "self",
                     *           "href": "http://127.0.0.1:8080/models/coast",
                     *           "type": "application/geo+json"
                     *         }
                     *       ],
                     *       "assets": {}
                     *     }
                     */
                    "application/geo+json": {
                        [key: string]: unknown;
                    };
                };
            };
            /** @description The request cannot be used; the description says why */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description A token is needed */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests; `Retry-After` says when to try again */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description An unexpected failure */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Not ready, took too long, or an archive cannot be read */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    page_settings_page_settings_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "version": "0.1.0",
                     *       "title": "swath",
                     *       "basemap": null,
                     *       "needs_token": false,
                     *       "max_upload_bytes": 16777216,
                     *       "max_limit": 1000,
                     *       "abilities": {
                     *         "caption": true,
                     *         "ask": false
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["PageSettings"];
                };
            };
            /** @description The request cannot be used; the description says why */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description A token is needed */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description The address is too long */
            414: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests; `Retry-After` says when to try again */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description An unexpected failure */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Not ready, took too long, or an archive cannot be read */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
}
