package io.sluice.control.kubernetes;

import io.sluice.mesh.svid.RsaKeys;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.util.Base64;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.sec.ECPrivateKey;

/** The kinds of keys that tools write for a user, each with a certificate of the test's cluster. */
public enum ClientKey {
  /** {@code openssl genrsa -traditional}, kubeadm. */
  RSA_PKCS1("RSA", 2_048, "RSA PRIVATE KEY"),
  /** {@code openssl genrsa}. */
  RSA_PKCS8("RSA", 2_048, "PRIVATE KEY"),
  /** {@code openssl ecparam -genkey}, k3s. */
  EC_SEC1("EC", 256, "EC PRIVATE KEY"),
  /** {@code openssl genpkey -algorithm EC}. */
  EC_PKCS8("EC", 256, "PRIVATE KEY"),
  /** {@code openssl genpkey -algorithm ED25519}. */
  ED25519("Ed25519", 0, "PRIVATE KEY");

  private final String type;
  private final int bits;
  private final String block;

  ClientKey(String type, int bits, String block) {
    this.type = type;
    this.bits = bits;
    this.block = block;
  }

  /** As text, certificate and key. */
  record Made(String certificate, String key) {}

  Made make() throws Exception {
    KeyPair pair = pair();
    byte[] pkcs8 = pair.getPrivate().getEncoded();
    byte[] der =
        block.equals("PRIVATE KEY") ? pkcs8 : traditional(PrivateKeyInfo.getInstance(pkcs8));
    String key =
        "-----BEGIN "
            + block
            + "-----\n"
            + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der)
            + "\n-----END "
            + block
            + "-----\n";
    return new Made(ApiDoor.certificate(pair.getPublic()), key);
  }

  private KeyPair pair() throws Exception {
    if (type.equals("RSA")) {
      return RsaKeys.of(bits, 65_537);
    }
    KeyPairGenerator generator = KeyPairGenerator.getInstance(type);
    if (bits > 0) {
      generator.initialize(bits);
    }
    return generator.generateKeyPair();
  }

  /** What is inside; of an EC key with the curve, which stands outside in PKCS#8. */
  private byte[] traditional(PrivateKeyInfo info) throws IOException {
    ASN1Encodable inner = info.parsePrivateKey();
    boolean isEc = type.equals("EC");
    return isEc
        ? new ECPrivateKey(
                256,
                ECPrivateKey.getInstance(inner).getKey(),
                info.getPrivateKeyAlgorithm().getParameters())
            .getEncoded()
        : inner.toASN1Primitive().getEncoded();
  }

  /** A user whose certificate and key stand in the kubeconfig. */
  public String inline() throws Exception {
    Made made = make();
    return "{client-certificate-data: %s, client-key-data: %s}"
        .formatted(base64(made.certificate()), base64(made.key()));
  }

  /** A user whose certificate and key are files beside the kubeconfig in {@code home}. */
  public String files(Path home) throws Exception {
    Made made = make();
    Files.writeString(home.resolve("user.crt"), made.certificate());
    Files.writeString(home.resolve("user.key"), made.key());
    return "{client-certificate: user.crt, client-key: user.key}";
  }

  /** A user whose program, in {@code home}, writes certificate and key. */
  public String plugin(Path home) throws Exception {
    Made made = make();
    return plugin(
        home,
        "\"clientCertificateData\": \"%s\", \"clientKeyData\": \"%s\""
            .formatted(oneLine(made.certificate()), oneLine(made.key())));
  }

  /** A user whose program, in {@code home}, writes this status and warns before. */
  public static String plugin(Path home, String status) throws IOException {
    String answer =
        "{\"apiVersion\": \"client.authentication.k8s.io/v1\", \"kind\": \"ExecCredential\","
            + " \"status\": {"
            + status
            + "}}";
    Files.writeString(home.resolve("answer"), answer);
    Path program = home.resolve("plugin");
    Files.writeString(
        program, "#!/bin/sh\necho a warning >&2\nexec cat \"$(dirname \"$0\")/answer\"\n");
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
    return "{exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin}}";
  }

  private static String oneLine(String pem) {
    return pem.replace("\n", "\\n");
  }

  private static String base64(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.US_ASCII));
  }
}
