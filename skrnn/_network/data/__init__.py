"""Steps of many sequences as packed batches."""
