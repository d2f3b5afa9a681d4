//! What a frame costs us, without a renderer.
