package io.sluice.control.authority;

import io.sluice.mesh.SpiffeId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bouncycastle.asn1.ASN1String;
import org.bouncycastle.asn1.x500.AttributeTypeAndValue;
import org.bouncycastle.asn1.x500.RDN;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.pkcs.PKCS10CertificationRequest;

/**
 * The names in a certificate request.
 *
 * @param alternative subject alternative names; those that are no URI have an empty text
 * @param common common names of the subject
 */
record RequestedNames(List<String> alternative, List<String> common) {
  RequestedNames {
    alternative = List.copyOf(alternative);
    common = List.copyOf(common);
  }

  static RequestedNames of(PKCS10CertificationRequest request) {
    List<String> common = new ArrayList<>();
    for (RDN part : request.getSubject().getRDNs(BCStyle.CN)) {
      for (AttributeTypeAndValue value : part.getTypesAndValues()) {
        common.add(value.getValue() instanceof ASN1String text ? text.getString() : "");
      }
    }
    Extensions wishes = request.getRequestedExtensions();
    GeneralNames names =
        wishes == null
            ? null
            : GeneralNames.fromExtensions(wishes, Extension.subjectAlternativeName);
    return new RequestedNames(
        names == null
            ? List.of()
            : Arrays.stream(names.getNames()).map(RequestedNames::uri).toList(),
        common);
  }

  private static String uri(GeneralName name) {
    return name.getTagNo() == GeneralName.uniformResourceIdentifier
            && name.getName() instanceof ASN1String text
        ? text.getString()
        : "";
  }

  boolean isNobodyBut(SpiffeId identity) {
    return alternative.size() <= 1
        && alternative.stream().allMatch(identity.toString()::equals)
        && common.stream().allMatch(identity.toString()::equals);
  }
}
