#!/bin/sh
# A declared endpoint at which nobody listens.
# params: {model_endpoint: "http://127.0.0.1:8000/v1"}
true
