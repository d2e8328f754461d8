//! The network on candle tensors.
