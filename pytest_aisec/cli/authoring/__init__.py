"""The commands for those who write controls, profiles and waivers."""
