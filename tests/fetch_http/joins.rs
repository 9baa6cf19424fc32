//! Demuxers over HTTP: the same samples as over the file, and what joining in the middle costs.
