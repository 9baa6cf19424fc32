//! Bytes of coded media: NAL units, ADTS, AC-3, MPEG audio and video headers. Pure functions.
