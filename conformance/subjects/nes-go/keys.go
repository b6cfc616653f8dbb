// RSA key files: PKCS#1 for private keys, SPKI for public ones, both PEM.
package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
)

func loadPrivate(file string) *rsa.PrivateKey {
	text, err := os.ReadFile(file)
	die(err)
	block, _ := pem.Decode(text)
	if block == nil {
		die(errors.New("no PEM in " + file))
	}
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	die(err)
	return key
}

func parsePublic(text string) (*rsa.PublicKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("decode public key error")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	public, ok := key.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("public key is not RSA")
	}
	return public, nil
}

func loadPublic(file string) *rsa.PublicKey {
	text, err := os.ReadFile(file)
	die(err)
	key, err := parsePublic(string(text))
	die(err)
	return key
}

func privatePem(key *rsa.PrivateKey) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

func publicPem(key *rsa.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(key)
	die(err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func generateFiles(file string, bits int) {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	die(err)
	die(os.WriteFile(file, []byte(privatePem(key)), 0o600))
	die(os.WriteFile(file+".pub", []byte(publicPem(&key.PublicKey)), 0o644))
}
