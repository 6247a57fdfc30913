package io.sluice.control.authority;

import io.sluice.mesh.SpiffeId;
import java.io.IOException;
import java.security.KeyPair;
import java.util.Optional;
import org.bouncycastle.asn1.pkcs.Attribute;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x500.RDN;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.asn1.x509.ExtensionsGenerator;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.pkcs.PKCS10CertificationRequest;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequestBuilder;

/**
 * The names in a PKCS#10 request, for authorities that copy them into the certificate: no subject,
 * one attribute (extensionRequest, RFC 2985 §5.4.2), one extension in it, one URI in that.
 */
final class RequestedNames {
  private RequestedNames() {}

  static Optional<String> deviation(byte[] der, SpiffeId identity) {
    try {
      PKCS10CertificationRequest request = new PKCS10CertificationRequest(der);
      if (request.getSubject().getRDNs().length > 0) {
        return Optional.of("it asks for a subject");
      }
      Attribute[] attributes = request.getAttributes();
      if (attributes.length != 1
          || !attributes[0].getAttrType().equals(PKCSObjectIdentifiers.pkcs_9_at_extensionRequest)
          || attributes[0].getAttrValues().size() != 1) {
        return Optional.of("it asks for no name, or by other attributes than one extensionRequest");
      }
      Extensions extensions = Extensions.getInstance(attributes[0].getAttrValues().getObjectAt(0));
      GeneralNames names =
          GeneralNames.fromExtensions(extensions, Extension.subjectAlternativeName);
      if (names == null || extensions.getExtensionOIDs().length != 1) {
        return Optional.of("it asks for other extensions than a subject alternative name");
      }
      GeneralName[] asked = names.getNames();
      boolean exact =
          asked.length == 1
              && asked[0].getTagNo() == GeneralName.uniformResourceIdentifier
              && asked[0].getName().toString().equals(identity.toString());
      return exact
          ? Optional.empty()
          : Optional.of("it asks for other names than " + identity + " alone");
    } catch (IOException | RuntimeException e) {
      // Bouncy Castle reports wrong inner structures by many unchecked kinds.
      return Optional.of("the names that it asks for cannot be read");
    }
  }

  /** Whether it asks for no name at all: neither a subject nor an extension. */
  static boolean areNone(byte[] der) {
    try {
      PKCS10CertificationRequest request = new PKCS10CertificationRequest(der);
      return request.getSubject().getRDNs().length == 0 && request.getAttributes().length == 0;
    } catch (IOException | RuntimeException e) {
      return false; // as in deviation
    }
  }

  static byte[] request(KeyPair key, SpiffeId identity) {
    ExtensionsGenerator wishes = new ExtensionsGenerator();
    try {
      wishes.addExtension(
          Extension.subjectAlternativeName,
          true, // there is no subject
          new GeneralNames(
              new GeneralName(GeneralName.uniformResourceIdentifier, identity.toString())));
      return new JcaPKCS10CertificationRequestBuilder(new X500Name(new RDN[0]), key.getPublic())
          .addAttribute(PKCSObjectIdentifiers.pkcs_9_at_extensionRequest, wishes.generate())
          .build(new JcaContentSignerBuilder("SHA256withECDSA").build(key.getPrivate()))
          .getEncoded();
    } catch (IOException | OperatorCreationException e) {
      throw new IllegalArgumentException("not a key on P-256 with its private part", e);
    }
  }
}
