"""For the tests of the plugin: pytest wants this line beside its configuration."""

pytest_plugins = "pytester"
