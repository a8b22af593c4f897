"""The laptop: API Gateway, Lambda and AWS on loopback, as ``template.yaml`` describes them."""
