// Frames: sealed in five steps, opened in three, as section 15.3 has them.
package main

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"os"
)

type message struct {
	From      string `json:"from"`
	To        string `json:"to"`
	Timestamp int64  `json:"timestamp"`
	Message   string `json:"message"`
}

type frame struct {
	Cipherkey  string `json:"cipherkey"`
	Ciphertext string `json:"ciphertext"`
	Signature  string `json:"signature"`
}

var encoding = base64.URLEncoding

func sha(data []byte) []byte {
	sum := sha256.Sum256(data)
	return sum[:]
}

func pad(data []byte) []byte {
	count := aes.BlockSize - len(data)%aes.BlockSize
	out := append([]byte{}, data...)
	for range count {
		out = append(out, byte(count))
	}
	return out
}

func encryptCBC(messageKey, data []byte) []byte {
	block, err := aes.NewCipher(messageKey[:32])
	die(err)
	out := pad(data)
	cipher.NewCBCEncrypter(block, messageKey[32:]).CryptBlocks(out, out)
	return out
}

func sign(key *rsa.PrivateKey, data []byte) []byte {
	signature, err := rsa.SignPSS(rand.Reader, key, crypto.SHA256, sha(data), nil)
	die(err)
	return signature
}

func verify(key *rsa.PublicKey, data, signature []byte) error {
	return rsa.VerifyPSS(key, crypto.SHA256, sha(data), signature, nil)
}

func seal(m message, recipient *rsa.PublicKey, own *rsa.PrivateKey) []byte {
	inner, err := json.Marshal(m)
	die(err)
	messageKey := make([]byte, 48)
	_, err = rand.Read(messageKey)
	die(err)
	wrapped, err := rsa.EncryptPKCS1v15(rand.Reader, recipient, messageKey)
	die(err)
	outer, err := json.Marshal(frame{
		Cipherkey:  encoding.EncodeToString(wrapped),
		Ciphertext: encoding.EncodeToString(encryptCBC(messageKey, inner)),
		Signature:  encoding.EncodeToString(sign(own, inner)),
	})
	die(err)
	return outer
}

// open does what the original does, without a check more: slices and CryptBlocks panic on what is malformed.
func open(data []byte, own *rsa.PrivateKey, keys *provider) (*message, error) {
	var f frame
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, err
	}
	wrapped, err := encoding.DecodeString(f.Cipherkey)
	if err != nil {
		return nil, err
	}
	messageKey, err := rsa.DecryptPKCS1v15(rand.Reader, own, wrapped)
	if err != nil {
		return nil, err
	}
	text, err := encoding.DecodeString(f.Ciphertext)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(messageKey[:32])
	if err != nil {
		return nil, err
	}
	cipher.NewCBCDecrypter(block, messageKey[32:]).CryptBlocks(text, text)
	inner := text[:len(text)-int(text[len(text)-1])]
	var m message
	if err := json.Unmarshal(inner, &m); err != nil {
		return nil, err
	}
	sender, err := keys.keysOf(m.From)
	if err != nil {
		return nil, err
	}
	signature, err := encoding.DecodeString(f.Signature)
	if err != nil {
		return nil, err
	}
	if err := verify(sender.sign, inner, signature); err != nil {
		return nil, err
	}
	return &m, nil
}

// guess tries plaintexts against a recorded frame with nothing but the sender's public key.
func guess(key *rsa.PublicKey, frameFile, guessFile string) {
	var f frame
	var list []message
	for file, into := range map[string]any{frameFile: &f, guessFile: &list} {
		text, err := os.ReadFile(file)
		die(err)
		die(json.Unmarshal(text, into))
	}
	signature, err := encoding.DecodeString(f.Signature)
	die(err)
	for tries, candidate := range list {
		inner, err := json.Marshal(candidate)
		die(err)
		if verify(key, inner, signature) == nil {
			say(map[string]any{"confirmed": candidate, "tries": tries + 1})
			return
		}
	}
	say(map[string]any{"confirmed": nil, "tries": len(list)})
}
