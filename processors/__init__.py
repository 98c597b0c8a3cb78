"""The Faust workers: transport, stages, document readers, warehouse sink, dead letters."""
