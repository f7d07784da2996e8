package proxyproto

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Types of TLVs that have a name.
const (
	TypeALPN      = 0x01
	TypeAuthority = 0x02
	TypeCRC32C    = 0x03
	TypeUniqueID  = 0x05
	TypeSSL       = 0x20
	TypeNetNS     = 0x30
)

// Types of the TLVs inside that of TypeSSL.
const (
	TypeSSLVersion = 0x21
	TypeSSLCN      = 0x22
	TypeSSLCipher  = 0x23
	TypeSSLSigAlg  = 0x24
	TypeSSLKeyAlg  = 0x25
)

var tlvTypes = map[string]int{
	"alpn": TypeALPN, "authority": TypeAuthority, "unique_id": TypeUniqueID, "ssl": TypeSSL, "netns": TypeNetNS,
}

var sslTypes = map[string]int{
	"version": TypeSSLVersion, "cn": TypeSSLCN, "cipher": TypeSSLCipher, "sig_alg": TypeSSLSigAlg, "key_alg": TypeSSLKeyAlg,
}

// sslHead is what stands before the TLVs in that of TypeSSL: one byte about the
// client, four with the result of the verification.
const sslHead = 5

var errBrokenTLV = errors.New("broken PROXY protocol TLV")

// errShortSSL has no sentence of nginx's: it says nothing there.
var errShortSSL = errors.New("")

// A Field names a TLV as the variables $proxy_protocol_tlv_NAME do: "alpn",
// "ssl_cn", "0x0d", "ssl_0x23", or "ssl_verify".
type Field struct {
	inSSL  bool
	verify bool
	kind   int
	err    error // the name means nothing
}

// FieldNamed finds the TLV that name means. Whether the name is good shows when
// it is looked up, as in nginx.
func FieldNamed(name string) Field {
	rest, inSSL := strings.CutPrefix(name, "ssl_")
	f := Field{inSSL: inSSL}
	if inSSL && rest == "verify" {
		f.verify = true
		return f
	}
	if digits, hex := strings.CutPrefix(rest, "0x"); hex {
		n, err := strconv.ParseUint(digits, 16, 63)
		if err != nil || strings.ContainsAny(digits, "_+-") {
			f.err = fmt.Errorf("invalid PROXY protocol TLV \"%s\"", name)
			return f
		}
		f.kind = int(n)
		return f
	}
	types := tlvTypes
	if inSSL {
		types = sslTypes
	}
	kind, known := types[rest]
	if !known {
		f.err = fmt.Errorf("unknown PROXY protocol TLV \"%s\"", name)
	}
	f.kind = kind
	return f
}

// TLV finds a TLV of the header. The text of an error is for the error log at
// level error, unless it is empty.
func (h *Header) TLV(f Field) (value string, ok bool, err error) {
	list := h.tlvs
	if f.inSSL {
		if list, ok, err = lookup(list, TypeSSL); !ok {
			return "", false, err
		}
		if len(list) < sslHead {
			return "", false, errShortSSL
		}
		if f.verify {
			return strconv.FormatUint(uint64(binary.BigEndian.Uint32([]byte(list[1:sslHead]))), 10), true, nil
		}
		list = list[sslHead:]
	}
	if f.err != nil {
		return "", false, f.err
	}
	return lookup(list, f.kind)
}

// lookup finds the first TLV of a type. What is behind it is not looked at.
func lookup(list string, kind int) (value string, ok bool, err error) {
	for list != "" {
		if len(list) < 3 {
			return "", false, errBrokenTLV
		}
		size := int(list[1])<<8 | int(list[2])
		if len(list)-3 < size {
			return "", false, errBrokenTLV
		}
		if int(list[0]) == kind {
			return list[3 : 3+size], true, nil
		}
		list = list[3+size:]
	}
	return "", false, nil
}
