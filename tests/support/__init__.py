"""What tests of several directories use."""
