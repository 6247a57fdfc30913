package io.sluice.mesh.svid;

import static io.sluice.mesh.svid.Draft.ec;
import static io.sluice.mesh.svid.Draft.extension;
import static io.sluice.mesh.svid.Draft.key;
import static io.sluice.mesh.svid.Draft.unreadable;
import static io.sluice.mesh.svid.Draft.uri;
import static io.sluice.mesh.svid.Site.add;
import static io.sluice.mesh.svid.Site.spoilt;
import static io.sluice.mesh.svid.SvidReason.EXPIRED;
import static io.sluice.mesh.svid.SvidReason.FOREIGN_TRUST_DOMAIN;
import static io.sluice.mesh.svid.SvidReason.NOT_AN_SVID;
import static io.sluice.mesh.svid.SvidReason.NOT_YET_VALID;
import static io.sluice.mesh.svid.SvidReason.UNREADABLE;
import static io.sluice.mesh.svid.SvidReason.UNTRUSTED;
import static io.sluice.mesh.svid.SvidReason.WEAK;
import static io.sluice.mesh.svid.SvidReason.WRONG_PURPOSE;

import io.sluice.mesh.svid.OddChains.Chain;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.jspecify.annotations.Nullable;

/** Chains with one odd certificate. */
final class OddCertificates {
  private static final String URI = OddChains.IDENTITY.toString();

  private OddCertificates() {}

  static void addTo(List<Chain> chains) {
    leaves(chains);
    names(chains);
    keysAndSignatures(chains);
    damaged(chains);
  }

  private static void leaves(List<Chain> chains) {
    add(chains, "expired", EXPIRED, s -> s.leaf.to = Duration.ofSeconds(-61));
    add(chains, "not yet valid", NOT_YET_VALID, s -> s.leaf.from = Duration.ofSeconds(61));
    add(chains, "intermediate expired", EXPIRED, s -> s.intermediate.to = Duration.ofSeconds(-61));
    add(chains, "root expired", EXPIRED, s -> s.root.to = Duration.ofSeconds(-61));
    add(
        chains,
        "for servers only",
        WRONG_PURPOSE,
        s -> s.leaf.purposes = new KeyPurposeId[] {KeyPurposeId.id_kp_serverAuth});
    add(
        chains,
        "for any purpose",
        WRONG_PURPOSE,
        s -> s.leaf.purposes = new KeyPurposeId[] {KeyPurposeId.anyExtendedKeyUsage});
    add(chains, "no key usage", NOT_AN_SVID, s -> s.leaf.usageIsThere = false);
    add(
        chains,
        "key may agree and not sign",
        NOT_AN_SVID,
        s -> s.leaf.usage = KeyUsage.keyAgreement);
    add(
        chains,
        "leaf may sign certificates",
        NOT_AN_SVID,
        s -> s.leaf.usage = KeyUsage.digitalSignature | KeyUsage.keyCertSign);
    add(
        chains,
        "leaf may sign CRLs",
        NOT_AN_SVID,
        s -> s.leaf.usage = KeyUsage.digitalSignature | KeyUsage.cRLSign);
    add(
        chains,
        "leaf is an authority",
        NOT_AN_SVID,
        s -> s.leaf.basic = new BasicConstraints(true));
  }

  private static void names(List<Chain> chains) {
    add(
        chains,
        "two URIs",
        NOT_AN_SVID,
        s -> s.leaf.names = new GeneralName[] {uri(URI), uri(URI.replace("store", "bank"))});
    add(
        chains,
        "the same URI twice",
        NOT_AN_SVID,
        s -> s.leaf.names = new GeneralName[] {uri(URI), uri(URI)});
    add(chains, "no names", NOT_AN_SVID, s -> s.leaf.names = new GeneralName[0]);
    add(
        chains,
        "a DNS name and no URI",
        NOT_AN_SVID,
        s ->
            s.leaf.names =
                new GeneralName[] {new GeneralName(GeneralName.dNSName, "store.example")});
    Map<String, String> uris =
        Map.ofEntries(
            Map.entry("scheme in upper case", "SPIFFE://site.example/ns/shop/sa/store"),
            Map.entry("host in upper case", "spiffe://SITE.example/ns/shop/sa/store"),
            Map.entry("trailing slash", URI + "/"),
            Map.entry("empty path", "spiffe://site.example"),
            Map.entry("empty path segment", "spiffe://site.example/ns//sa/store"),
            Map.entry("path segment ..", "spiffe://site.example/ns/../sa/store"),
            Map.entry("percent-encoding", "spiffe://site.example/ns/shop/sa/s%74ore"),
            Map.entry("letters beyond ASCII", "spiffe://site.example/ns/shop/sa/stor\u00e9"),
            Map.entry("user", "spiffe://root@site.example/ns/shop/sa/store"),
            Map.entry("port", "spiffe://site.example:443/ns/shop/sa/store"),
            Map.entry("IPv6 address", "spiffe://[::1]/ns/shop/sa/store"),
            Map.entry("query", URI + "?sa=bank"),
            Map.entry("fragment", URI + "#bank"),
            Map.entry("NUL", URI + "\0.evil"),
            Map.entry("line feed", URI + "\n"),
            Map.entry("another scheme", "https://site.example/ns/shop/sa/store"));
    uris.forEach((odd, uri) ->
        add(chains, "URI: " + odd, NOT_AN_SVID, s -> s.leaf.names = new GeneralName[] {uri(uri)}));
    for (String host : List.of("other.example", "10.0.0.1", "sub.site.example")) {
      add(
          chains,
          "trust domain " + host,
          FOREIGN_TRUST_DOMAIN,
          s -> s.leaf.names = new GeneralName[] {uri("spiffe://" + host + "/ns/shop/sa/store")});
    }
  }

  private static void keysAndSignatures(List<Chain> chains) {
    add(chains, "key of RSA 1024", WEAK, s -> s.leaf.key = key("RSA", "RSA", 1024));
    for (String curve : List.of("secp256k1", "brainpoolP256r1", "secp224r1")) {
      add(chains, "key on " + curve, WEAK, s -> s.leaf.key = ec(curve));
    }
    add(chains, "key on Ed448", WEAK, s -> s.leaf.key = key("Ed448", "Ed448", 0));
    add(chains, "key of DSA", WEAK, s -> s.leaf.key = key("DSA", "DSA", 2048));
    chains.add(signedByRsa("signed with RSA 1024", WEAK, 1024, "SHA256withRSA"));
    chains.add(signedByRsa("signed with SHA-1", WEAK, 2048, "SHA1withRSA"));
    chains.add(signedByRsa("signed with MD5", WEAK, 2048, "MD5withRSA"));
    chains.add(signedByRsa("signed with PSS and SHA-1", WEAK, 2048, "SHA1withRSAandMGF1"));
    add(chains, "signed with ECDSA and SHA-1", WEAK, s -> s.leaf.signature = "SHA1withECDSA");
    add(
        chains,
        "root of RSA 1024",
        WEAK,
        s -> {
          s.root.key = key("RSA", "RSA", 1024);
          s.root.signature = "SHA256withRSA";
          s.intermediate.signature = "SHA256withRSA";
        });
  }

  static Chain signedByRsa(String name, @Nullable SvidReason refusal, int bits, String signature) {
    return spoilt(
        name,
        refusal,
        s -> {
          s.intermediate.key = key("RSA", "RSA", bits);
          s.leaf.signature = signature;
        });
  }

  private static void damaged(List<Chain> chains) {
    Site site = new Site();
    byte[] leaf = site.leaf.der();
    byte[] intermediate = site.intermediate.der();
    chains.add(
        site.chain(
            "bytes",
            UNREADABLE,
            "not a certificate".getBytes(StandardCharsets.US_ASCII),
            intermediate));
    chains.add(site.chain("no bytes", UNREADABLE, new byte[0], intermediate));
    chains.add(
        site.chain("cut off", UNREADABLE, Arrays.copyOf(leaf, leaf.length - 1), intermediate));
    chains.add(
        site.chain(
            "a byte behind", UNREADABLE, Arrays.copyOf(leaf, leaf.length + 1), intermediate));
    byte[] forged = leaf.clone();
    forged[forged.length - 1] ^= 1;
    chains.add(site.chain("another signature", UNTRUSTED, forged, intermediate));
    add(
        chains,
        "oversized",
        UNREADABLE,
        s ->
            s.leaf.others.add(
                extension("1.3.6.1.4.1.99999.1", false, new byte[Certificates.LONGEST_BYTES])));
    add(
        chains,
        "two extensions of names, one unreadable",
        UNREADABLE,
        s -> s.leaf.others.add(unreadable("2.5.29.99")));
    add(
        chains,
        "two extensions of names",
        UNREADABLE,
        s -> {
          try {
            s.leaf.others.add(
                extension(
                    "2.5.29.99",
                    false,
                    new GeneralNames(uri(URI.replace("store", "bank"))).getEncoded()));
          } catch (IOException e) {
            throw new IllegalStateException(e);
          }
        });
    add(
        chains,
        "extended key usage unreadable",
        UNREADABLE,
        s -> {
          s.leaf.purposes = new KeyPurposeId[0];
          s.leaf.others.add(unreadable("2.5.29.37"));
        });
    add(
        chains,
        "name constraints of the intermediate unreadable",
        UNREADABLE,
        s -> s.intermediate.others.add(unreadable("2.5.29.30")));
    add(
        chains,
        "name constraints of the root unreadable",
        UNREADABLE,
        s -> s.root.others.add(unreadable("2.5.29.30")));
    add(
        chains,
        "unknown critical extension",
        UNTRUSTED,
        s -> s.leaf.others.add(extension("1.3.6.1.4.1.99999.2", true, new byte[] {5, 0})));
    add(
        chains,
        "unknown critical extension of the intermediate",
        UNTRUSTED,
        s -> s.intermediate.others.add(extension("1.3.6.1.4.1.99999.2", true, new byte[] {5, 0})));
  }
}
