package tacit

// Bounds of the appendix on limits, in bytes, items or milliseconds.
const (
	MaxUint              = 1<<53 - 1
	MaxDepth             = 8
	MaxItems             = 4096
	MaxExtensions        = 64
	MaxUnknownExtension  = 4096
	MaxEnvelope          = 131072
	MaxContent           = 98304
	MaxBody              = 65536
	MaxOwnBody           = 69632
	MaxCertificate       = 192
	MaxManifest          = 49152
	MaxForkProof         = 98312
	MaxFallback          = 1024
	MaxUserName          = 64
	MaxSettings          = 128
	MaxFile              = 17_179_869_184
	MaxFileName          = 255
	MaxPlace             = 255
	MaxPreview           = 32_768
	MaxSettingName       = 64
	MaxSetting           = 256
	MaxStamp             = 1 << 52
	PaddingFloor         = 64
	MaxSkipPerStep       = 1000
	MaxSkippedPerSession = 2000
	SkippedKeyLifetime   = 2_592_000_000
	MaxChainIndex        = 1<<32 - 1
	WindowSize           = 2048
	MaxFenceLead         = 1 << 20
	MaxArchivedSessions  = 40
	MaxSessionRank       = 1 << 52
	MaxUnansweredStarts  = 32
	MaxDevices           = 50
	MaxRevocations       = 500
	MaxSuites            = 8
	MaxResynchronised    = 1024
	MaxReceiptIDs        = 256
	MaxRetryDigests      = 32
	SignedPrekeyLifetime = 604_800_000
	RetiredPrekeyKeep    = 2_592_000_000
)
