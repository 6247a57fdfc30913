package io.sluice.node.identity.x509;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import java.security.KeyPair;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1Primitive;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Requests as another library reads them. */
class SigningRequestsTest {
  private final KeyPair key = SigningRequests.newKey();

  @Test
  void aRequestForAKeyHasNoNamesAndIsSignedByIt() throws Exception {
    JcaPKCS10CertificationRequest read = read(SigningRequests.of(key));
    assertThat(read.getAttributes()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 40, 200, 253})
  void aRequestForAnIdentityHasItAsItsOnlyNameWhateverTheLengthsInIt(int letters) throws Exception {
    SpiffeId identity =
        new SpiffeId(new TrustDomain("site.example"), "a".repeat(63), "b".repeat(letters));

    JcaPKCS10CertificationRequest read = read(SigningRequests.of(key, identity));

    var attributes = read.getAttributes();
    assertThat(attributes).hasSize(1);
    assertThat(attributes[0].getAttrType())
        .isEqualTo(PKCSObjectIdentifiers.pkcs_9_at_extensionRequest);
    Extensions extensions = Extensions.getInstance(attributes[0].getAttributeValues()[0]);
    assertThat(extensions.getExtensionOIDs())
        .containsExactly(new ASN1ObjectIdentifier(Extension.subjectAlternativeName.getId()));
    assertThat(extensions.getExtension(Extension.subjectAlternativeName).isCritical()).isTrue();
    GeneralName[] names =
        GeneralNames.fromExtensions(extensions, Extension.subjectAlternativeName).getNames();
    assertThat(names).hasSize(1);
    assertThat(names[0].getTagNo()).isEqualTo(GeneralName.uniformResourceIdentifier);
    assertThat(names[0].getName()).hasToString(identity.toString());
  }

  private JcaPKCS10CertificationRequest read(byte[] request) throws Exception {
    assertThat(ASN1Primitive.fromByteArray(request).getEncoded("DER")).isEqualTo(request);
    var read = new JcaPKCS10CertificationRequest(request);
    assertThat(read.getSubject().getRDNs()).isEmpty();
    assertThat(read.getPublicKey()).isEqualTo(key.getPublic());
    assertThat(
            read.isSignatureValid(new JcaContentVerifierProviderBuilder().build(key.getPublic())))
        .isTrue();
    return read;
  }
}
