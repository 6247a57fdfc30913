package io.sluice.control.authority.certmanager;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.control.authority.svid.Issuer;
import io.sluice.control.authority.svid.Pem;
import io.sluice.control.authority.svid.SigningKey;
import io.sluice.control.authority.svid.SvidProfile;
import io.sluice.mesh.TrustDomain;
import java.io.StringReader;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.PublicKey;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Date;
import java.util.List;
import java.util.Locale;
import java.util.function.UnaryOperator;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.pkcs.PKCS10CertificationRequest;

/**
 * What cert-manager with an issuer of kind CA does to a new CertificateRequest: it copies subject
 * and names from the PKCS#10 request, and takes usages and duration from the object.
 */
public final class FakeIssuer implements UnaryOperator<ObjectNode> {
  /** How to treat a request. */
  enum Mood {
    HONEST,
    PENDING,
    DENIED,
    INVALID,
    FAILED,
    NOTHING,
    GARBAGE,
    OTHER_KEY,
    TWO_URIS,
    OTHER_ROOT,
    TOO_LONG,
    NO_ROOT
  }

  private static final SvidProfile PROFILE =
      new SvidProfile(new TrustDomain("site.example"), false, false);

  volatile Mood mood = Mood.HONEST;
  public volatile Issuer issuer = newIssuer();
  volatile ObjectNode last = JsonNodeFactory.instance.objectNode();

  static Issuer newIssuer() {
    Instant now = Instant.now();
    Issuer root = PROFILE.root(SigningKey.P256.generate(), now, Duration.ofDays(100));
    return PROFILE.intermediate(root, SigningKey.P256.generate(), now, Duration.ofDays(50));
  }

  @Override
  public ObjectNode apply(ObjectNode object) {
    last = object.deepCopy();
    switch (mood) {
      case PENDING -> condition(object, "Ready", "False", "Pending");
      case DENIED -> {
        condition(object, "Denied", "True", "policy");
        condition(object, "Ready", "False", "Denied");
      }
      case INVALID -> {
        condition(object, "InvalidRequest", "True", "InvalidRequest");
        condition(object, "Ready", "False", "Failed");
      }
      case FAILED -> condition(object, "Ready", "False", "Failed");
      case NOTHING -> condition(object, "Ready", "True", "Issued");
      case GARBAGE -> {
        condition(object, "Ready", "True", "Issued");
        object.withObject("/status").put("certificate", "!!");
      }
      case HONEST, OTHER_KEY, TWO_URIS, OTHER_ROOT, TOO_LONG, NO_ROOT -> signed(object);
    }
    return object;
  }

  private static void condition(ObjectNode object, String type, String status, String reason) {
    object
        .withObject("/status")
        .withArray("conditions")
        .addObject()
        .put("type", type)
        .put("status", status)
        .put("reason", reason)
        .put("message", "because of the test");
  }

  private void signed(ObjectNode object) {
    condition(object, "Approved", "True", "cert-manager.io");
    condition(object, "Ready", "True", "Issued");
    Issuer signer = mood == Mood.OTHER_ROOT ? newIssuer() : issuer;
    List<X509Certificate> chain = new ArrayList<>();
    chain.add(leaf(object.path("spec"), signer));
    chain.addAll(signer.intermediates());
    ObjectNode status = object.withObject("/status");
    status.put("certificate", base64(chain));
    if (mood != Mood.NO_ROOT) {
      status.put("ca", base64(List.of((mood == Mood.OTHER_ROOT ? issuer : signer).root())));
    }
  }

  private X509Certificate leaf(JsonNode spec, Issuer signer) {
    byte[] pem = Base64.getDecoder().decode(spec.path("request").asText());
    Duration life = Duration.parse("PT" + spec.path("duration").asText().toUpperCase(Locale.ROOT));
    Instant now = Instant.now();
    try (PEMParser parser =
        new PEMParser(new StringReader(new String(pem, StandardCharsets.US_ASCII)))) {
      PKCS10CertificationRequest request = (PKCS10CertificationRequest) parser.readObject();
      PublicKey key = new JcaPEMKeyConverter().getPublicKey(request.getSubjectPublicKeyInfo());
      X509v3CertificateBuilder builder =
          new JcaX509v3CertificateBuilder(
              X500Name.getInstance(signer.certificate().getSubjectX500Principal().getEncoded()),
              BigInteger.valueOf(now.toEpochMilli()),
              Date.from(now),
              Date.from(now.plus(mood == Mood.TOO_LONG ? life.multipliedBy(3) : life)),
              request.getSubject(),
              mood == Mood.OTHER_KEY ? SigningKey.P256.generate().getPublic() : key);
      builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(false));
      builder.addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature));
      builder.addExtension(
          Extension.extendedKeyUsage,
          false,
          new ExtendedKeyUsage(
              new KeyPurposeId[] {KeyPurposeId.id_kp_serverAuth, KeyPurposeId.id_kp_clientAuth}));
      builder.addExtension(Extension.subjectAlternativeName, true, names(request));
      return new JcaX509CertificateConverter()
          .getCertificate(
              builder.build(new JcaContentSignerBuilder("SHA256withECDSA").build(signer.key())));
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private GeneralNames names(PKCS10CertificationRequest request) {
    Extensions extensions = request.getRequestedExtensions();
    GeneralNames asked = GeneralNames.fromExtensions(extensions, Extension.subjectAlternativeName);
    if (mood != Mood.TWO_URIS) {
      return asked;
    }
    return new GeneralNames(
        new GeneralName[] {
          asked.getNames()[0],
          new GeneralName(
              GeneralName.uniformResourceIdentifier, "spiffe://site.example/ns/bank/sa/vault")
        });
  }

  private static String base64(List<X509Certificate> certificates) {
    byte[] pem = new Pem(certificates, List.of()).text().getBytes(StandardCharsets.US_ASCII);
    return Base64.getEncoder().encodeToString(pem);
  }
}
