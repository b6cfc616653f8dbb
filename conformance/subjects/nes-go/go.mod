module tacit.example/conformance/subjects/nes-go

go 1.26.0
