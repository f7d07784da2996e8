package proxyproto

// Saved is a header on its way to another process.
type Saved struct {
	Source          string `cbor:"1,keyasint"`
	Destination     string `cbor:"2,keyasint"`
	SourcePort      uint16 `cbor:"3,keyasint"`
	DestinationPort uint16 `cbor:"4,keyasint"`
	Extension       []byte `cbor:"5,keyasint,omitempty"` // what was said beyond addresses
}

// Save is h to be sent; nil of nil.
func (h *Header) Save() *Saved {
	if h == nil {
		return nil
	}
	return &Saved{h.Source, h.Destination, h.SourcePort, h.DestinationPort, []byte(h.tlvs)}
}

// Header is the reverse of Save.
func (s *Saved) Header() *Header {
	if s == nil {
		return nil
	}
	return &Header{
		Source: s.Source, Destination: s.Destination, SourcePort: s.SourcePort, DestinationPort: s.DestinationPort,
		tlvs: string(s.Extension),
	}
}
