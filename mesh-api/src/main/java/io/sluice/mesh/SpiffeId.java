package io.sluice.mesh;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Identity of a workload: {@code spiffe://<trust-domain>/ns/<namespace>/sa/<service-account>}
 * (SPIFFE-ID §2).
 */
public record SpiffeId(TrustDomain trustDomain, String namespace, String serviceAccount) {
  /** What to write where {@link #parse} refuses a text. */
  public static final String FORM_TO_WRITE =
      "write spiffe://<trust-domain>/ns/<namespace>/sa/<name>";

  private static final Pattern FORM = Pattern.compile("spiffe://([^/]+)/ns/([^/]+)/sa/([^/]+)");

  /** Fits into an identity, and Kubernetes lets no service account be called so (RFC 1123). */
  private static final String NO_ACCOUNT = "-";

  private static final Pattern NAMESPACE = Pattern.compile("[a-z0-9.-]{1,63}");
  private static final Pattern ACCOUNT = Pattern.compile("[a-z0-9.-]{1,253}");

  public SpiffeId {
    requireSegment(namespace, NAMESPACE);
    requireSegment(serviceAccount, ACCOUNT);
  }

  /** SPIFFE-ID §2.2 forbids the path segments '.' and '..'. */
  private static void requireSegment(String segment, Pattern form) {
    if (!form.matcher(segment).matches() || segment.equals(".") || segment.equals("..")) {
      throw new IllegalArgumentException(
          "'" + segment + "' cannot be the namespace or service account of an identity");
    }
  }

  /**
   * Stands for a pod that has no service account: no object can grant it anything, and nobody gets
   * a certificate of it.
   */
  public static SpiffeId nobody(TrustDomain trustDomain, String namespace) {
    return new SpiffeId(trustDomain, namespace, NO_ACCOUNT);
  }

  /** Whether it is one of {@link #nobody}. */
  public boolean isNobody() {
    return serviceAccount.equals(NO_ACCOUNT);
  }

  /** Parses the one path form that the mesh issues; anything else is refused with the text. */
  public static SpiffeId parse(String text) {
    Matcher matcher = FORM.matcher(text);
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "'" + text + "' is not of the form spiffe://<trust-domain>/ns/<namespace>/sa/<name>");
    }
    return new SpiffeId(new TrustDomain(matcher.group(1)), matcher.group(2), matcher.group(3));
  }

  /** As of any record; written out, for it is asked for with every request and connection. */
  @Override
  public boolean equals(@Nullable Object other) {
    return this == other
        || (other instanceof SpiffeId that
            && serviceAccount.equals(that.serviceAccount)
            && namespace.equals(that.namespace)
            && trustDomain.equals(that.trustDomain));
  }

  @Override
  public int hashCode() {
    return (31 * trustDomain.hashCode() + namespace.hashCode()) * 31 + serviceAccount.hashCode();
  }

  /** The identity of the same service account in {@code domain}. */
  public SpiffeId in(TrustDomain domain) {
    return trustDomain.equals(domain) ? this : new SpiffeId(domain, namespace, serviceAccount);
  }

  /** The service account this identity stands for. */
  public NamespacedName serviceAccountName() {
    return new NamespacedName(namespace, serviceAccount);
  }

  /** Whether {@code text} is an identity of the same service account, in any trust domain. */
  public boolean isOfAccountIn(String text) {
    Matcher matcher = FORM.matcher(text);
    return matcher.matches()
        && matcher.group(2).equals(namespace)
        && matcher.group(3).equals(serviceAccount);
  }

  @Override
  public String toString() {
    return "spiffe://" + trustDomain + "/ns/" + namespace + "/sa/" + serviceAccount;
  }
}
