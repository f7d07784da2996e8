package proxyproto

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"net/netip"
	"strconv"
)

// A Transport is how the client is connected, as a header of version 2 says it.
type Transport byte

const (
	Stream   Transport = 1
	Datagram Transport = 2
)

// ErrTooSmall is returned when a header would be longer than Max.
var ErrTooSmall = errors.New("too small buffer for PROXY protocol v2 TLV")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// AppendV1 appends a header of version 1 for a client at source that is
// connected to destination. An address that is not valid stands for a unix
// socket.
func AppendV1(dst []byte, source, destination netip.AddrPort) []byte {
	switch {
	case !source.IsValid() || !destination.IsValid():
		return append(dst, "PROXY UNKNOWN\r\n"...)
	case source.Addr().Is4():
		dst = append(dst, "PROXY TCP4 "...)
	default:
		dst = append(dst, "PROXY TCP6 "...)
	}
	dst = append(source.Addr().AppendTo(dst), ' ')
	dst = append(destination.Addr().AppendTo(dst), ' ')
	dst = append(strconv.AppendUint(dst, uint64(source.Port()), 10), ' ')
	return append(strconv.AppendUint(dst, uint64(destination.Port()), 10), "\r\n"...)
}

// A TLV is one more thing that a header of version 2 says.
type TLV struct {
	Type  byte
	Value string
}

// SSL says how the client's connection is encrypted.
type SSL struct {
	Client byte   // bits: 1 over TLS, 2 certificate on this connection, 4 in this session
	Verify uint32 // 0: the certificate was verified
	TLVs   []TLV  // TypeSSLVersion and so on
}

// AppendV2 appends a header of version 2, closed by its checksum. Addresses are
// as for AppendV1; with a unix socket the header says LOCAL. ssl is nil for a
// connection without TLS. On failure dst is returned as it was.
func AppendV2(dst []byte, source, destination netip.AddrPort, t Transport, tlvs []TLV, ssl *SSL) ([]byte, error) {
	start := len(dst)
	b := append(dst, signature...)
	b = appendAddresses(b, source, destination, t)
	for _, tlv := range tlvs {
		b = appendTLV(b, tlv)
	}
	if ssl != nil {
		at := len(b)
		b = append(b, TypeSSL, 0, 0, ssl.Client)
		b = binary.BigEndian.AppendUint32(b, ssl.Verify)
		for _, tlv := range ssl.TLVs {
			b = appendTLV(b, tlv)
		}
		if len(b)-start > Max {
			return dst, ErrTooSmall
		}
		binary.BigEndian.PutUint16(b[at+1:], uint16(len(b)-at-3))
	}
	b = append(b, TypeCRC32C, 0, 4, 0, 0, 0, 0)
	header := b[start:]
	if len(header) > Max {
		return dst, ErrTooSmall
	}
	binary.BigEndian.PutUint16(header[len(signature)+2:], uint16(len(header)-fixedSize))
	binary.BigEndian.PutUint32(header[len(header)-4:], crc32.Checksum(header, castagnoli))
	return b, nil
}

// appendAddresses appends what stands between the signature and the TLVs, the
// length left open. When one side is IPv6 both are written as such, unless both
// are IPv4 in that form.
func appendAddresses(b []byte, source, destination netip.AddrPort, t Transport) []byte {
	from, to := source.Addr(), destination.Addr()
	switch {
	case !source.IsValid() || !destination.IsValid():
		return append(b, version2<<4|commandLocal, familyNone, 0, 0)
	case from.Is4() && to.Is4(), from.Is4In6() && to.Is4In6():
		b = append(b, version2<<4|commandProxy, familyInet<<4|byte(t), 0, 0)
		one, other := from.Unmap().As4(), to.Unmap().As4()
		b = append(append(b, one[:]...), other[:]...)
	default:
		b = append(b, version2<<4|commandProxy, familyInet6<<4|byte(t), 0, 0)
		one, other := from.As16(), to.As16()
		b = append(append(b, one[:]...), other[:]...)
	}
	b = binary.BigEndian.AppendUint16(b, source.Port())
	return binary.BigEndian.AppendUint16(b, destination.Port())
}

// appendTLV cuts a value that has no room in any header short; the header is
// then refused for its length.
func appendTLV(b []byte, tlv TLV) []byte {
	value := tlv.Value[:min(len(tlv.Value), Max)]
	b = append(b, tlv.Type)
	b = binary.BigEndian.AppendUint16(b, uint16(len(value)))
	return append(b, value...)
}
