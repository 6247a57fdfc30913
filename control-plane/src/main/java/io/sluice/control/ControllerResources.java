package io.sluice.control;

import io.sluice.control.authority.CertificateAuthority;
import io.sluice.control.authority.domain.ChangingDomain;
import io.sluice.control.authority.settings.Authorities;
import io.sluice.control.authority.settings.AuthorityFile;
import io.sluice.control.authority.settings.AuthoritySettings;
import io.sluice.control.kubernetes.KubernetesRegistry;
import io.sluice.mesh.SnapshotSource;
import io.sluice.mesh.TrustDomain;
import io.sluice.process.ProcessLock;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What a controller opens before anything is served, and closes after, in the reverse order.
 *
 * @param state its directory
 * @param authority signs for the mesh, through a change of its trust domain too
 * @param signing who signs below it
 * @param replicaOrNull its place among several of a cluster; null without a cluster
 */
record ControllerResources(
    ProcessLock state,
    RegistryView registry,
    ChangingDomain authority,
    CertificateAuthority signing,
    @Nullable Replica replicaOrNull)
    implements AutoCloseable {

  /**
   * Opens all of it, but for a cluster.
   *
   * @param source owned, whatever happens
   * @throws RuntimeException naming what is wrong and what to do; nothing is left open then
   */
  static ControllerResources open(
      ControllerSettings settings, SnapshotSource source, InstantSource clock) {
    return open(settings, source, _ -> null, clock);
  }

  /** As the other, as one of several on a cluster. */
  static ControllerResources open(
      ControllerSettings settings,
      KubernetesRegistry registry,
      ReplicaSettings replica,
      InstantSource clock) {
    return open(
        settings,
        registry,
        authority -> Replica.join(replica, registry, isOwn(authority), clock),
        clock);
  }

  private static ControllerResources open(
      ControllerSettings settings,
      SnapshotSource source,
      Function<AuthoritySettings.Source, @Nullable Replica> joining,
      InstantSource clock) {
    RegistryView registry = RegistryView.of(source);
    try {
      ProcessLock state = StateDirectory.at(settings.state()).hold();
      try {
        ChangingDomain.First first =
            StateDirectory.at(settings.state()).trustDomain(registry.newest());
        AuthoritySettings wanted = authoritySettings(settings, first.domain());
        CertificateAuthority signing = Authorities.open(wanted, clock);
        ChangingDomain authority;
        try {
          authority =
              ChangingDomain.open(
                  StateDirectory.at(settings.state()).domainFile(),
                  signing,
                  first,
                  new ChangingDomain.Times(wanted.distributeFor(), wanted.longestLeaf()),
                  clock);
        } catch (RuntimeException e) {
          signing.close();
          throw e;
        }
        try {
          return new ControllerResources(
              state, registry, authority, signing, joining.apply(wanted.source()));
        } catch (RuntimeException e) {
          authority.close();
          throw e;
        }
      } catch (RuntimeException e) {
        state.close();
        throw e;
      }
    } catch (RuntimeException e) {
      registry.close();
      throw e;
    }
  }

  /** Whether the authority's state is on this machine alone. */
  private static boolean isOwn(AuthoritySettings.Source source) {
    return switch (source) {
      case AuthoritySettings.BuiltIn _, AuthoritySettings.Imported _, AuthoritySettings.Token _ ->
          true;
      case AuthoritySettings.Vault _, AuthoritySettings.CertManager _ -> false;
    };
  }

  private static AuthoritySettings authoritySettings(
      ControllerSettings settings, TrustDomain trustDomain) {
    var directory = StateDirectory.at(settings.state()).authority();
    Duration longestLeaf = settings.nodeLifetime(); // the longest that is ever asked for
    if (settings.authorityFileOrNull() != null) {
      return AuthorityFile.read(
          settings.authorityFileOrNull(), trustDomain, directory, longestLeaf);
    }
    AuthoritySettings usual = AuthoritySettings.builtIn(trustDomain, directory);
    return new AuthoritySettings(
        usual.profile(), usual.directory(), longestLeaf, usual.distributeFor(), usual.source());
  }

  /** Its place among several of a cluster; empty without a cluster. */
  Optional<Replica> replica() {
    return Optional.ofNullable(replicaOrNull);
  }

  @Override
  public void close() {
    replica().ifPresent(Replica::close);
    registry.close();
    authority.close();
    state.close();
  }
}
