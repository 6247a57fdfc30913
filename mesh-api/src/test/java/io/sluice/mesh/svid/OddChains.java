package io.sluice.mesh.svid;

import static io.sluice.mesh.svid.Draft.authority;
import static io.sluice.mesh.svid.Draft.bound;
import static io.sluice.mesh.svid.Draft.ec;
import static io.sluice.mesh.svid.Draft.key;
import static io.sluice.mesh.svid.OddCertificates.signedByRsa;
import static io.sluice.mesh.svid.Site.add;
import static io.sluice.mesh.svid.SvidReason.CHAIN_TOO_LONG;
import static io.sluice.mesh.svid.SvidReason.NAME_CONSTRAINED;
import static io.sluice.mesh.svid.SvidReason.NOT_AN_SVID;
import static io.sluice.mesh.svid.SvidReason.NO_CERTIFICATE;
import static io.sluice.mesh.svid.SvidReason.UNTRUSTED;

import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.jspecify.annotations.Nullable;

/**
 * Chains of certificates that every place which judges them has to judge alike: one thing is odd in
 * each. All are of {@link #IDENTITY} where they are of anybody, at {@link #NOW}, for a client.
 */
public final class OddChains {
  /** When they are judged. */
  public static final Instant NOW = Instant.parse("2026-06-01T12:00:00Z");

  /** Whom the good ones prove. */
  public static final SpiffeId IDENTITY = SpiffeId.parse("spiffe://site.example/ns/shop/sa/store");

  /** Of the roots. */
  public static final TrustDomain DOMAIN = IDENTITY.trustDomain();

  /**
   * One chain.
   *
   * @param name what is odd about it
   * @param der its certificates, leaf first; not all can be parsed
   * @param roots that are trusted
   * @param refusal why it proves nobody; empty where it is good
   */
  public record Chain(
      String name, List<byte[]> der, List<X509Certificate> roots, Optional<SvidReason> refusal) {
    public Chain {
      der = List.copyOf(der);
      roots = List.copyOf(roots);
    }

    @Override
    public String toString() {
      return name + ": " + refusal.map(Enum::name).orElse("good");
    }
  }

  private OddChains() {}

  /** Every chain. */
  public static Stream<Chain> all() {
    List<Chain> chains = new ArrayList<>();
    good(chains);
    OddCertificates.addTo(chains);
    paths(chains);
    return chains.stream();
  }

  private static void good(List<Chain> chains) {
    Site site = new Site();
    chains.add(site.chain("as it should be", null, site.leaf.der(), site.intermediate.der()));
    chains.add(
        site.chain(
            "with its root", null, site.leaf.der(), site.intermediate.der(), site.root.der()));
    Draft direct = new Draft("direct", site.root);
    direct.names = site.leaf.names;
    chains.add(site.chain("without an intermediate", null, direct.der()));
    chains.add(stacked("of six", null, 5, false));
    chains.add(stacked("of six and the root", null, 5, true));
    add(chains, "no extended key usage", null, s -> s.leaf.purposes = new KeyPurposeId[0]);
    add(chains, "begins within the skew", null, s -> s.leaf.from = Duration.ofSeconds(30));
    add(chains, "ended within the skew", null, s -> s.leaf.to = Duration.ofSeconds(-30));
    add(chains, "root bound to its domain", null, s -> s.root.others.add(bound("site.example")));
    add(
        chains,
        "intermediate bound to its domain",
        null,
        s -> s.intermediate.others.add(bound("site.example")));
    add(chains, "root of path length 1", null, s -> s.root.basic = new BasicConstraints(1));
    for (String curve : List.of("secp384r1", "secp521r1")) {
      add(chains, "key on " + curve, null, s -> s.leaf.key = ec(curve));
    }
    add(chains, "key on Ed25519", null, s -> s.leaf.key = key("Ed25519", "Ed25519", 0));
    add(chains, "key of RSA 2048", null, s -> s.leaf.key = key("RSA", "RSA", 2048));
    chains.add(signedByRsa("signed with RSA and SHA-256", null, 2048, "SHA256withRSA"));
    chains.add(signedByRsa("signed with PSS and SHA-256", null, 2048, "SHA256withRSAandMGF1"));
    Site crossed = new Site();
    Draft other = authority("another root", null);
    Draft bridge = authority("intermediate", other);
    bridge.key = crossed.intermediate.key;
    chains.add(
        new Chain(
            "intermediate cross-signed by the trusted root",
            List.of(crossed.leaf.der(), bridge.der()),
            List.of(other.certificate()),
            Optional.empty()));
    Draft namesake = authority("root", null);
    chains.add(
        new Chain(
            "two trusted roots of one name",
            List.of(crossed.leaf.der(), crossed.intermediate.der()),
            List.of(namesake.certificate(), crossed.root.certificate()),
            Optional.empty()));
  }

  private static void paths(List<Chain> chains) {
    Site site = new Site();
    byte[] leaf = site.leaf.der();
    byte[] intermediate = site.intermediate.der();
    byte[] root = site.root.der();
    chains.add(site.chain("empty", NO_CERTIFICATE));
    chains.add(site.chain("intermediate missing", UNTRUSTED, leaf));
    chains.add(site.chain("wrong order", NOT_AN_SVID, intermediate, leaf));
    chains.add(site.chain("root alone", NOT_AN_SVID, root));
    chains.add(site.chain("root first", NOT_AN_SVID, root, leaf, intermediate));
    chains.add(site.chain("leaf twice", UNTRUSTED, leaf, leaf, intermediate));
    chains.add(site.chain("intermediate twice", UNTRUSTED, leaf, intermediate, intermediate));
    chains.add(stacked("too long", CHAIN_TOO_LONG, 6, false));
    chains.add(stacked("too long with its root", CHAIN_TOO_LONG, 6, true));
    chains.add(
        site.chain(
            "of a hundred", CHAIN_TOO_LONG, Collections.nCopies(100, leaf).toArray(byte[][]::new)));
    Draft thief = site.leaf;
    Draft victim = new Draft("victim", thief);
    victim.names = thief.names;
    chains.add(site.chain("leaf signed by a leaf", UNTRUSTED, victim.der(), leaf, intermediate));
    add(
        chains,
        "intermediate without the CA flag",
        UNTRUSTED,
        s -> s.intermediate.basic = new BasicConstraints(false));
    add(
        chains,
        "intermediate without basic constraints",
        UNTRUSTED,
        s -> s.intermediate.basic = null);
    add(
        chains,
        "intermediate may sign CRLs only",
        UNTRUSTED,
        s -> s.intermediate.usage = KeyUsage.cRLSign);
    add(
        chains,
        "intermediate without key usage",
        UNTRUSTED,
        s -> s.intermediate.usageIsThere = false);
    add(
        chains,
        "root bound to another domain",
        NAME_CONSTRAINED,
        s -> s.root.others.add(bound("other.example")));
    add(
        chains,
        "intermediate bound to another domain",
        NAME_CONSTRAINED,
        s -> s.intermediate.others.add(bound("other.example")));
    add(
        chains,
        "root with fewer authorities below it",
        UNTRUSTED,
        s -> s.root.basic = new BasicConstraints(0));
    Site deep = new Site();
    deep.intermediate.basic = new BasicConstraints(0);
    deep.leaf.issuer = authority("below", deep.intermediate);
    chains.add(
        deep.chain(
            "intermediate with fewer authorities below it",
            UNTRUSTED,
            deep.leaf.der(),
            deep.leaf.issuer.der(),
            deep.intermediate.der()));
    Site stranger = new Site();
    chains.add(
        site.chain(
            "of a stranger's root of the same name",
            UNTRUSTED,
            stranger.leaf.der(),
            stranger.intermediate.der(),
            stranger.root.der()));
    Draft bridge = authority("intermediate", authority("a stranger", null));
    bridge.key = site.intermediate.key;
    chains.add(
        site.chain("intermediate cross-signed by a stranger", UNTRUSTED, leaf, bridge.der()));
  }

  /** A leaf below {@code issuers} intermediates. */
  private static Chain stacked(
      String name, @Nullable SvidReason refusal, int issuers, boolean withRoot) {
    Site site = new Site();
    List<byte[]> ders = new ArrayList<>();
    Draft issuer = site.root;
    for (int i = 0; i < issuers; i++) {
      issuer = authority("intermediate " + i, issuer);
      ders.addFirst(issuer.der());
    }
    site.leaf.issuer = issuer;
    ders.addFirst(site.leaf.der());
    if (withRoot) {
      ders.add(site.root.der());
    }
    return site.chain(name, refusal, ders.toArray(byte[][]::new));
  }
}
