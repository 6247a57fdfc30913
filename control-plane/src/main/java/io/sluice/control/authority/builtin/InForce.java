package io.sluice.control.authority.builtin;

import io.sluice.control.authority.TrustBundle;
import io.sluice.control.authority.svid.Issuer;
import java.util.Map;

/**
 * Everything that signing reads, as one value that is replaced as a whole.
 *
 * @param roots by id; those of the bundle
 * @param signer what signs leaves: the active root's intermediate, or that root itself
 */
record InForce(StoredState state, Map<String, Issuer> roots, Issuer signer, TrustBundle bundle) {
  InForce {
    roots = Map.copyOf(roots);
  }

  static InForce of(StoredState state, Map<String, Issuer> roots, Issuer signer) {
    TrustBundle bundle =
        new TrustBundle(
            state.trustDomain(),
            state.generation(),
            state.phase().trusted().stream()
                .map(id -> known(roots, id).root())
                .distinct()
                .toList());
    return new InForce(state, roots, signer, bundle);
  }

  Issuer root(String id) {
    return known(roots, id);
  }

  Issuer activeRoot() {
    return root(state.phase().active());
  }

  static Issuer known(Map<String, Issuer> roots, String id) {
    Issuer root = roots.get(id);
    if (root == null) {
      throw new IllegalStateException("root " + id + " was not loaded");
    }
    return root;
  }
}
