"""`Archive`: chips, their embeddings and everything to find them by, in one place.

>>> hits = Archive.open("my-archive").search("airport beside the sea", near=(2.1, 41.3), k=10)  # doctest: +SKIP
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from swath.archive import maintenance, ranking
from swath.archive.answer import answer, answer_each, confidences
from swath.archive.background import Background
from swath.archive.captions import CAPTION_COLUMNS, CaptionReport, CaptionWriter, caption_archive
from swath.archive.encoder import Encoder
from swath.archive.hits import Hit, Hits
from swath.archive.maintenance import ArchiveInfo, OptimizeReport, VerifyReport
from swath.archive.newest import Newest
from swath.archive.query import Query
from swath.archive.ranking import Relation
from swath.archive.refine import Refinement, Rerank, Scores, Similarity
from swath.archive.rows import make_rows, unique
from swath.archive.schema import HIT_COLUMNS
from swath.archive.snapshot import Limits, Snapshot
from swath.archive.store import ArchiveMeta, Store
from swath.archive.where import compile_where, id_in
from swath.chips import Chip
from swath.errors import ArchiveError, ArchiveNotFoundError, InputError, ModelMismatchError, QueryError

if TYPE_CHECKING:
    import torch
    from shapely.geometry.base import BaseGeometry

    from swath.features import Features
    from swath.similarity import Fusion

T = TypeVar("T")

_IDS_A_STATEMENT = 1000


class Archive:
    """An archive that is open. Safe to search from several threads; several processes may write to one archive."""

    def __init__(self, store: Store, encoder: Encoder | None = None, limits: Limits | None = None) -> None:
        """Wrap an open store; use `Archive.open` or `Archive.create`.

        Raises:
            ModelMismatchError: `encoder` is not the model that the archive was made with.
        """
        self._store = store
        self._limits = limits or Limits()
        self._lock = threading.Lock()
        self._newest = Newest(store, self._limits)
        self._background = Background(store)
        self._encoder = encoder
        if encoder is not None:
            self.check_model(encoder.model_id, encoder.dim)

    @classmethod
    def create(
        cls,
        uri: str | Path,
        model_id: str,
        dim: int,
        *,
        model: str = "",
        settings: Mapping[str, Any] | None = None,
        encoder: Encoder | None = None,
        exist_ok: bool = False,
        storage_options: Mapping[str, str] | None = None,
    ) -> Archive:
        """Make an empty archive.

        Args:
            uri: a folder (made if it is not there), or an object-store address such as ``s3://bucket/archive``.
            model_id: the model whose embeddings it will hold, and no other's.
            dim: length of an embedding.
            model: what `DualEncoder.from_pretrained` loads that model by, so that searches can find it themselves.
            settings: how the archive is built (chip size, stride, ...), kept for information.
            encoder: the model itself, if it is at hand.
            exist_ok: open the archive if there is one already.
            storage_options: of an object store (``endpoint``, ``region``, ``allow_http``, keys); what is not given
                comes from the environment (``AWS_ENDPOINT``, ``AWS_REGION``, ``AWS_ACCESS_KEY_ID``, ...).

        Raises:
            ArchiveError: there is an archive already, or the place cannot be written.
            ModelMismatchError: the archive that exists was made with another model.
        """
        if not model_id or dim < 1:
            raise InputError(f"an archive needs a model id and a length of vectors, got {model_id!r} and {dim}")
        about = ArchiveMeta(model_id=model_id, dim=dim, model=model, settings=dict(settings or {}))
        try:
            archive = cls(Store.create(uri, about, storage_options), encoder)
        except ArchiveError as refused:
            if not exist_ok:
                raise
            try:
                archive = cls(Store.open(uri, storage_options), encoder)
            except ArchiveNotFoundError:
                raise refused from None
        archive.check_model(model_id, dim)
        return archive

    @classmethod
    def open(
        cls,
        uri: str | Path,
        encoder: Encoder | None = None,
        limits: Limits | None = None,
        *,
        storage_options: Mapping[str, str] | None = None,
    ) -> Archive:
        """Open an archive.

        Args:
            uri: a folder or an object-store address.
            encoder: the model; by default the one that the archive names is loaded when a query first needs it.
            limits: when a search is exact, and how much memory it may use.
            storage_options: of an object store, see `create`.

        Raises:
            ArchiveNotFoundError: there is no archive at `uri`.
            ArchiveCorruptError: its files are damaged.
            ModelMismatchError: `encoder` is another model than the archive's.
        """
        return cls(Store.open(uri, storage_options), encoder, limits)

    def __len__(self) -> int:
        return self._current().rows

    def __repr__(self) -> str:
        return f"Archive({self.uri!r}, model_id={self.model_id!r})"

    @property
    def uri(self) -> str:
        """Where the archive is."""
        return self._store.uri

    @property
    def about(self) -> ArchiveMeta:
        """What the archive remembers about itself."""
        return self._store.about

    @property
    def model_id(self) -> str:
        """The model that made every embedding in the archive."""
        return self.about.model_id

    @property
    def dim(self) -> int:
        """Length of an embedding."""
        return self.about.dim

    @property
    def encoder(self) -> Encoder:
        """The archive's model, loaded on first use.

        Raises:
            ArchiveError: the archive does not say how to load it.
            ModelMismatchError: what was loaded is another model.
        """
        if self._encoder is not None:
            return self._encoder
        with self._lock:
            if self._encoder is None:
                self._encoder = self._load_encoder()
            return self._encoder

    def check_model(self, model_id: str, dim: int | None = None) -> None:
        """Refuse another model.

        Raises:
            ModelMismatchError: with both names.
        """
        if model_id != self.model_id or (dim is not None and dim != self.dim):
            raise ModelMismatchError(
                f"archive {self.uri} was made with model {self.model_id} ({self.dim} dimensions), not with {model_id}"
                f"{f' ({dim})' if dim is not None else ''}; use that model, or index into another archive"
            )

    def present_ids(self, among: Sequence[str] | None = None) -> NDArray[np.bytes_]:
        """The ids of all rows, sorted; with `among`, those of the given ids that rows have."""
        if among is None:
            return self.read(Snapshot.ids)
        rows = self.read(lambda snapshot: snapshot.rows_of(list(among), ["id"]))
        found = [row["id"].encode() for row in rows]
        return np.sort(np.array(found, dtype=np.bytes_)) if found else np.empty(0, "S1")

    def add(
        self,
        chips: Sequence[Chip],
        vectors: Features | NDArray[np.floating] | torch.Tensor,
        *,
        tokens: Sequence[bytes | None] | None = None,
        thumbnails: Sequence[bytes | None] | None = None,
        model_id: str | None = None,
    ) -> int:
        """Add chips with their embeddings in one commit: all or none. Chips that are there stay as they are.

        Args:
            chips: B chips.
            vectors: (B, D) L2-normalised embeddings, or features, whose tokens are then kept too.
            tokens: B packed tokens (`swath.archive.tokens.pack`), in place of those of features.
            thumbnails: B JPEG pictures.
            model_id: the model that made the vectors, if it should be checked.

        Returns:
            How many were new.

        Raises:
            InputError: NaN, infinite or un-normalised vectors, wrong shapes; the message names the chip.
            ModelMismatchError: another model.
            ArchiveError: the archive cannot be written.
        """
        if model_id is not None:
            self.check_model(model_id)
        return self.add_rows(make_rows(chips, vectors, tokens, thumbnails, self.model_id, self.dim))

    def add_rows(self, rows: pa.Table) -> int:
        """Add rows made by `swath.archive.rows.make_rows` in one commit; of an id given twice the first counts.

        They may hold the columns of captions, too.

        Returns:
            How many were new.

        Raises:
            ModelMismatchError: rows of another model.
            ArchiveError: the archive cannot be written.
        """
        if rows.num_rows == 0:
            return 0
        for model_id in pc.unique(rows["model_id"]).to_pylist():
            self.check_model(model_id)
        if set(CAPTION_COLUMNS.names) <= set(rows.schema.names):
            self._store.add_columns(CAPTION_COLUMNS)
        added = self._store.insert(unique(rows))
        self.refresh()
        return added

    def delete(self, ids: Sequence[str] | None = None, *, where: str | None = None) -> int:
        """Remove chips by id, or all that satisfy a filter (see `swath.archive.where`).

        Returns:
            How many were removed.

        Raises:
            InputError: neither or both are given, or the filter cannot be read.
        """
        if (ids is None) == (where is None):
            raise InputError("say which chips to delete: either ids or a where filter")
        if where is not None:
            statements = [compile_where(where)]
        else:
            listed = list(dict.fromkeys(ids or []))
            statements = [id_in(listed[at : at + _IDS_A_STATEMENT]) for at in range(0, len(listed), _IDS_A_STATEMENT)]
        deleted = sum(self._store.delete(statement) for statement in statements)
        self.refresh()
        return deleted

    def search(
        self,
        query: Query | str | None = None,
        *,
        k: int = 20,
        similarity: Similarity = "global",
        rerank: Rerank | None = None,
        fusion: Fusion | None = None,
        candidates: int = 200,
        rerank_k: int = 10,
        scores: Scores | None = None,
        per_sensor: bool = False,
        **parts: Any,  # noqa: ANN401 - the fields of Query
    ) -> Hits:
        """Find the k best chips.

        Args:
            query: a text or a whole query.
            k: how many hits; fewer come back only where fewer chips satisfy the filters.
            similarity: ``global``, or ``fused``: the best candidates by global similarity are scored again by global
                and local similarity together; for queries of one text, in archives that keep tokens.
            rerank: ``bank`` sorts the first hits again by asking back among general captions; for queries of one text.
            fusion: weights of fused similarity; by default those that the model brings.
            candidates: rows that fused similarity is computed for (at least k).
            rerank_k: hits that are sorted again.
            scores: ``calibrated`` brings the scores of all sensors to one scale (`swath.archive.scale`), ``raw`` leaves
                the cosines; None calibrates where the query is one text, by global similarity.
            per_sensor: find the k best chips of each sensor; ranks begin at 1 for each, see `Hits.by_sensor`.
            **parts: fields of `Query` (``like``, ``near``, ``radius_km``, ``bbox``, ``datetime``, ``sensor``, ...).

        Raises:
            QueryError: nothing to search by, a part that cannot be used, or chips without the tokens it needs.
            ArchiveCorruptError: the archive's files are damaged.
        """
        query = Query.read(query, parts)
        if not query.ranks:
            raise QueryError(
                "nothing to search by: give a text, an image, a place or examples (browse() lists by filter)"
            )
        if k < 1:
            raise QueryError(f"k must be at least 1, got {k}")
        refinement = Refinement(similarity, rerank, fusion, candidates, rerank_k, scores)
        find = answer_each if per_sensor else answer
        return self.read(lambda at: find(query, k, refinement, at, lambda: self.encoder, self._background))

    def confidence(self, texts: Sequence[str], query: Query | None = None, **filters: Any) -> list[float | None]:  # noqa: ANN401 - the fields of Query
        """How sure one can be that the archive has what each of several texts says, see `swath.archive.background`.

        Args:
            texts: what to look for.
            query: a query, of which only the filters count.
            **filters: filter fields of `Query`.

        Returns:
            One share (0 to 1) a text, the same as `Hits.confidence` of its search (of shapes, by their bounds); None
            where no chip satisfies the filters.

        Raises:
            QueryError: a filter cannot be read.
        """
        asked = Query.read(query, filters).filters
        return self.read(lambda at: confidences(texts, asked, at, lambda: self.encoder, self._background))

    def browse(self, query: Query | None = None, *, limit: int = 100, offset: int = 0, **filters: Any) -> Hits:  # noqa: ANN401 - the fields of Query
        """List chips that satisfy filters, newest first, those of unknown date last; hits have no score.

        Args:
            query: a query, of which only the filters count.
            limit: at most this many.
            offset: how many to pass over.
            **filters: filter fields of `Query`.

        Raises:
            QueryError: a filter cannot be read, or a negative limit.
        """
        query = Query.read(query, filters)
        if limit < 0 or offset < 0:
            raise QueryError(f"limit and offset must not be negative, got {limit} and {offset}")
        found = self.read(lambda snapshot: ranking.newest(query, snapshot, limit, offset))
        hits = [Hit.from_row(rank, None, None, row, shape) for rank, (row, shape) in enumerate(found, offset + 1)]
        return Hits(query.to_dict(), query.title(), hits)

    def count(self, query: Query | None = None, **filters: Any) -> int:  # noqa: ANN401 - the fields of Query
        """How many chips satisfy filters, exactly.

        Raises:
            QueryError: a filter cannot be read.
        """
        return self.read(partial(ranking.count, Query.read(query, filters)))

    def get(self, ids: Sequence[str]) -> Hits:
        """Chips by id, in the order given; absent ids are left out."""
        rows = self.read(lambda snapshot: snapshot.rows_of(list(dict.fromkeys(ids)), HIT_COLUMNS))
        hits = [Hit.from_row(rank, None, None, row, ranking.footprint(row)) for rank, row in enumerate(rows, 1)]
        return Hits({"ids": list(ids)}, f"{len(hits)} chips by id", hits)

    def snapshot(self, version: int | None = None) -> Snapshot:
        """The rows as they are now, or were at a version; see `swath.archive.listing`.

        Raises:
            QueryError: that version is not kept any more.
        """
        current = self._current()
        if version is None or version == current.version:
            return current
        table = self._store.version(version)
        if table is None:
            raise QueryError(f"version {version} of the archive is not kept any more; start again from the newest")
        return Snapshot(self.uri, table, self.dim, self._limits)

    def read(self, ask: Callable[[Snapshot], T]) -> T:
        """What is asked of the newest snapshot, asked again of a newer one should its version be removed meanwhile."""
        return self._newest.read(ask)

    def touching(self, geometry: BaseGeometry, relation: Relation = "intersects", most: int = 50_000) -> list[str]:
        """Ids of the chips whose footprint stands in a relation to a geometry: ``footprint.relation(geometry)``.

        Raises:
            QueryError: more chips than `most`.
        """
        return self.read(lambda snapshot: ranking.related(Query(geometry=geometry), relation, snapshot, most))

    def info(self) -> ArchiveInfo:
        """Rows, sensors, model, extent in space and time, size on disk, indexes."""
        return self.read(partial(maintenance.info, self._store))

    def optimize(self, **options: Any) -> OptimizeReport:  # noqa: ANN401 - see maintenance.optimize
        """Compact files and make indexes; see `swath.archive.maintenance.optimize`."""
        report = maintenance.optimize(self._store, **options)
        self.refresh()
        self.read(self._background.keep_means)
        return report

    def verify(self, **options: Any) -> VerifyReport:  # noqa: ANN401 - see maintenance.verify
        """Look for everything that can be wrong; see `swath.archive.maintenance.verify`."""
        return self.read(partial(maintenance.verify, self._store, **options))

    def caption(self, writer: CaptionWriter, **options: Any) -> CaptionReport:  # noqa: ANN401 - see caption_archive
        """Write a caption for every chip that has none of this writer; see `swath.archive.captions.caption_archive`."""
        try:
            return caption_archive(self._store, writer, **options)
        finally:
            self.refresh()

    def ensure_background(self, encoder: Encoder | None = None) -> None:
        """Encode the bank of captions that confidences are measured against, and match it with the archive."""
        self._background.vectors(encoder or self.encoder)
        self.read(self._background.keep_means)

    def load_ahead(self, *further: Callable[[Snapshot], object]) -> None:
        """Load now what searches need, and new versions in the background, so that no search waits for that.

        Until a new version is loaded, the one before it answers; both are in memory then. What this process itself
        writes is seen at once, as always.

        Args:
            *further: called with each snapshot before it is read by.

        Raises:
            ArchiveError: the archive cannot be read, or its model not be loaded.
        """
        self._background.vectors(self.encoder)
        self._newest.load_ahead(Snapshot.load, self._background.match, *further)

    def _current(self) -> Snapshot:
        return self._newest.get()

    def refresh(self) -> None:
        """Look for the newest version at the next read: what this process wrote is seen at once, remotely too."""
        self._newest.refresh()

    def _load_encoder(self) -> Encoder:
        if not self.about.model:
            raise ArchiveError(
                f"archive {self.uri} does not say how to load its model {self.model_id}; open it with encoder=..."
            )
        from swath.models import DualEncoder

        encoder = DualEncoder.from_pretrained(self.about.model)
        self.check_model(encoder.model_id, encoder.dim)
        return encoder
