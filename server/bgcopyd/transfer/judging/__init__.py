"""What answers mean and what is fetched next: rules over values, without I/O."""
