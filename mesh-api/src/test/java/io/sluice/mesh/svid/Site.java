package io.sluice.mesh.svid;

import io.sluice.mesh.svid.OddChains.Chain;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.bouncycastle.asn1.x509.GeneralName;
import org.jspecify.annotations.Nullable;

/** A root, an intermediate and a leaf, each of which a case may spoil. */
final class Site {
  final Draft root = Draft.authority("root", null);
  final Draft intermediate = Draft.authority("intermediate", root);
  final Draft leaf = new Draft("leaf", intermediate);

  Site() {
    leaf.names = new GeneralName[] {Draft.uri(OddChains.IDENTITY.toString())};
  }

  Chain chain(String name, @Nullable SvidReason refusal, byte[]... ders) {
    return new Chain(
        name, List.of(ders), List.of(root.certificate()), Optional.ofNullable(refusal));
  }

  /** Adds a chain in which {@code change} makes one thing odd. */
  static void add(
      List<Chain> chains, String name, @Nullable SvidReason refusal, Consumer<Site> change) {
    chains.add(spoilt(name, refusal, change));
  }

  static Chain spoilt(String name, @Nullable SvidReason refusal, Consumer<Site> change) {
    Site site = new Site();
    change.accept(site);
    return site.chain(name, refusal, site.leaf.der(), site.intermediate.der());
  }
}
