package h2

// What is encoded here leaves the peer's table alone: fields are literals without
// indexing, with names from the static table where the caller knows them.

// AppendTableSize appends the announcement that the table of what follows is empty
// and stays so. It is for the first block after the peer has set a size.
func AppendTableSize(dst []byte) []byte { return append(dst, 0x20) }

// AppendStatus appends :status.
func AppendStatus(dst []byte, status int) []byte {
	switch status {
	case 200:
		return append(dst, 0x80|8)
	case 204:
		return append(dst, 0x80|9)
	case 206:
		return append(dst, 0x80|10)
	case 304:
		return append(dst, 0x80|11)
	case 400:
		return append(dst, 0x80|12)
	case 404:
		return append(dst, 0x80|13)
	case 500:
		return append(dst, 0x80|14)
	}
	return append(dst, NameStatus, 3, byte('0'+status/100%10), byte('0'+status/10%10), byte('0'+status%10))
}

// AppendNamed appends a field whose name has a place in the static table.
func AppendNamed(dst []byte, name uint8, value string) []byte {
	return AppendString(appendInt(dst, 0, 4, uint64(name)), value)
}

// AppendString appends a string, in the shorter of its two forms.
func AppendString(dst []byte, s string) []byte {
	if n := huffmanSize(s); n < len(s) {
		return encodeHuffman(appendInt(dst, 0x80, 7, uint64(n)), s)
	}
	return append(appendInt(dst, 0, 7, uint64(len(s))), s...)
}

// AppendEncoded appends a field whose name has a place in the static table, and
// whose value AppendString has made.
func AppendEncoded(dst []byte, name uint8, value []byte) []byte {
	return append(appendInt(dst, 0, 4, uint64(name)), value...)
}

// AppendField appends a field; its name is put into lower case.
func AppendField(dst []byte, name, value string) []byte {
	dst = append(dst, 0)
	dst = appendInt(dst, 0, 7, uint64(len(name)))
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return AppendString(dst, value)
}

// appendInt appends n with a prefix of so many bits; first has the bits before it.
func appendInt(dst []byte, first byte, bits uint, n uint64) []byte {
	most := uint64(1)<<bits - 1
	if n < most {
		return append(dst, first|byte(n))
	}
	dst = append(dst, first|byte(most))
	for n -= most; n >= 128; n >>= 7 {
		dst = append(dst, byte(n)|128)
	}
	return append(dst, byte(n))
}
