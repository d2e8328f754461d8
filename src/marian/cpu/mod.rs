//! The network on preallocated buffers.
