package io.sluice.kernel;

import io.sluice.kernel.site.Commands;
import java.nio.file.Path;

/** Certificates that the mesh's authority has not signed, made by {@code openssl}. */
final class ForeignCertificates {
  private final Path directory;

  /** Writes into {@code directory}, which the caller removes. */
  ForeignCertificates(Path directory) {
    this.directory = directory;
  }

  /** A certificate and its key. */
  record Pair(Path certificate, Path key) {}

  /** Signed by itself, with the SPIFFE ID {@code identity}. */
  Pair selfSigned(String name, String identity) {
    Path certificate = directory.resolve(name + ".crt");
    Path key = directory.resolve(name + ".key");
    Commands.run(
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        "/CN=stranger",
        "-days",
        "1",
        "-addext",
        "subjectAltName=critical,URI:" + identity,
        "-addext",
        "basicConstraints=critical,CA:FALSE",
        "-addext",
        "keyUsage=critical,digitalSignature",
        "-addext",
        "extendedKeyUsage=clientAuth,serverAuth",
        "-keyout",
        key.toString(),
        "-out",
        certificate.toString());
    return new Pair(certificate, key);
  }

  /** A root of its own, below which {@link #signed} makes certificates. */
  Pair authority(String name) {
    Path certificate = directory.resolve(name + ".crt");
    Path key = directory.resolve(name + ".key");
    Commands.run(
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        "/CN=" + name,
        "-days",
        "1",
        "-addext",
        "basicConstraints=critical,CA:TRUE",
        "-addext",
        "keyUsage=critical,keyCertSign,cRLSign",
        "-keyout",
        key.toString(),
        "-out",
        certificate.toString());
    return new Pair(certificate, key);
  }

  /** Signed by {@code authority}, with the SPIFFE ID {@code identity}. */
  Pair signed(Pair authority, String name, String identity) {
    Path certificate = directory.resolve(name + ".crt");
    Path key = directory.resolve(name + ".key");
    Commands.run(
        "openssl",
        "req",
        "-x509",
        "-CA",
        authority.certificate().toString(),
        "-CAkey",
        authority.key().toString(),
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        "/O=workload",
        "-days",
        "1",
        "-addext",
        "subjectAltName=URI:" + identity,
        "-addext",
        "basicConstraints=critical,CA:FALSE",
        "-addext",
        "keyUsage=critical,digitalSignature",
        "-addext",
        "extendedKeyUsage=clientAuth,serverAuth",
        "-keyout",
        key.toString(),
        "-out",
        certificate.toString());
    return new Pair(certificate, key);
  }
}
