package io.sluice.mesh;

import io.sluice.api.resources.v1.Membership;
import io.sluice.api.resources.v1.Namespace;

/** Kubernetes namespaces as messages and back. */
final class NamespaceCodec {
  static final Codec<KubernetesNamespace> CODEC =
      Codec.of(Namespace.getDefaultInstance(), NamespaceCodec::message, NamespaceCodec::model);

  private NamespaceCodec() {}

  static Namespace message(KubernetesNamespace namespace) {
    return Namespace.newBuilder()
        .setName(namespace.name())
        .setMembership(
            switch (namespace.membership()) {
              case INSIDE -> Membership.INSIDE;
              case MIXED -> Membership.MIXED;
              case OUTSIDE -> Membership.OUTSIDE;
            })
        .build();
  }

  static KubernetesNamespace model(Namespace message, Checks checks) {
    return new KubernetesNamespace(
        checks.value("name", () -> new NamespacedName(message.getName(), "any")).namespace(),
        switch (message.getMembership()) {
          case INSIDE -> NamespaceMembership.INSIDE;
          case MIXED -> NamespaceMembership.MIXED;
          case OUTSIDE -> NamespaceMembership.OUTSIDE;
          case MEMBERSHIP_UNSPECIFIED, UNRECOGNIZED ->
              throw checks.unusable("membership", "it is none that is known here");
        });
  }
}
