package proxyproto

// Extension is what the header has said beyond addresses, as [Restore] takes it.
func (h *Header) Extension() string { return h.tlvs }

// Restore sets what Extension of another header has returned.
func (h *Header) Restore(extension string) { h.tlvs = extension }
