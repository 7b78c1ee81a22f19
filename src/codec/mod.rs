//! Floor 1: COPY text, chunks, packs and manifests as bytes.
