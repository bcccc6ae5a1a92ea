"""What all transports share: protobuf codec, reasons to statuses, call handling."""
