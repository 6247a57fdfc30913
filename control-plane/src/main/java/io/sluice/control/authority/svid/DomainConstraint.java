package io.sluice.control.authority.svid;

import io.sluice.mesh.TrustDomain;
import java.util.regex.Pattern;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralSubtree;
import org.bouncycastle.asn1.x509.NameConstraints;

/**
 * What an intermediate is bound to (RFC 5280 §4.2.1.10): URIs whose host is the trust domain, DNS
 * names within it, and no IP address.
 */
final class DomainConstraint {
  private static final int LONGEST_DNS_NAME = 253;
  private static final int IPV4_SUBTREE_BYTES = 8;
  private static final int IPV6_SUBTREE_BYTES = 32;
  private static final String LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";
  private static final Pattern DNS_NAME = Pattern.compile(LABEL + "(\\." + LABEL + ")*");

  /** A last label that begins with a digit is no host name to the JDK's URI parser. */
  private static final Pattern ENDS_IN_A_NAME = Pattern.compile("(.*\\.)?[a-z][a-z0-9-]*");

  private DomainConstraint() {}

  static boolean isDnsName(String name) {
    return name.length() <= LONGEST_DNS_NAME && DNS_NAME.matcher(name).matches();
  }

  /** SPIFFE allows trust domains that no validator takes for a host, such as {@code my_mesh}. */
  static boolean canExpress(TrustDomain domain) {
    return isDnsName(domain.name()) && ENDS_IN_A_NAME.matcher(domain.name()).matches();
  }

  static NameConstraints of(TrustDomain domain) {
    GeneralSubtree[] permitted = {
      new GeneralSubtree(new GeneralName(GeneralName.uniformResourceIdentifier, domain.name())),
      new GeneralSubtree(new GeneralName(GeneralName.dNSName, domain.name()))
    };
    GeneralSubtree[] excluded = {
      allAddresses(IPV4_SUBTREE_BYTES), allAddresses(IPV6_SUBTREE_BYTES)
    };
    return new NameConstraints(permitted, excluded);
  }

  /** Address and mask, both zero: every address of that length. */
  private static GeneralSubtree allAddresses(int bytes) {
    return new GeneralSubtree(
        new GeneralName(GeneralName.iPAddress, new DEROctetString(new byte[bytes])));
  }
}
