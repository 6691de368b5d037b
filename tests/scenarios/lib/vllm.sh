# What vLLM answers, for `double`.
ANSWERS='{"GET /v1/models": [200, "{\"object\": \"list\", \"data\": []}"],
 "POST /v1/chat/completions": [400, "{\"error\": {\"message\": \"Invalid JSON\"}}"],
 "POST /tokenize": [400, "{\"error\": {\"message\": \"Invalid JSON\"}}"],
 "POST /invocations": [400, "{\"error\": {}}"], "GET /metrics": [200, "vllm:x 1"], "GET /health": [200, ""]}'
