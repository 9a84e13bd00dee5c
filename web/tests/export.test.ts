import { describe, expect, it } from "vitest";
import { csv, geojson, snippet, stac } from "../src/export";
import { hitOf } from "../src/hit";
import { NOTHING } from "../src/search";
import { item } from "./items";

const hits = [hitOf(item("a", { "swath:score": 0.5, "swath:confidence": 0.9 }), 1), hitOf(item("=b,c", {}), 2)];

describe("exports", () => {
  it("write CSV that no spreadsheet runs", () => {
    const lines = csv(hits).text.split("\r\n");
    expect(lines).toHaveLength(4);
    expect(lines[1]).toBe("1,a,alps-rgb,rgb,2020-06-01T10:00:00Z,0.5,0.9,7,46,8,47");
    expect(lines[2]).toContain(`"'=b,c"`);
  });

  it("write GeoJSON and STAC", () => {
    const made = JSON.parse(geojson(hits).text) as { features: { id: string; properties: { score: number } }[] };
    expect(made.features.map((one) => one.id)).toEqual(["a", "=b,c"]);
    expect(made.features[0]?.properties.score).toBe(0.5);
    expect(JSON.parse(stac(hits).text)).toEqual({ type: "FeatureCollection", features: hits.map((hit) => hit.item) });
  });

  it("write Python for the same search", () => {
    const search = { ...NOTHING, text: 'say "ice"', collections: ["alps-rgb"] };
    const words = snippet(search, "http://here/");
    expect(words).toContain('requests.post("http://here/semantic-search", json=query');
    expect(words).toContain('"text": "say \\"ice\\"",');
    expect(words).toContain('"collections": ["alps-rgb"],');
    expect(snippet(NOTHING, "http://here/")).toContain("http://here/search");
    expect(snippet({ ...NOTHING, upload: "a.png" }, "http://here/")).toContain('open(image, "rb")');
  });
});
