//! Tests of the room `synth`.
