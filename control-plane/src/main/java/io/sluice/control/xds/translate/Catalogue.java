package io.sluice.control.xds.translate;

import java.util.NavigableSet;
import java.util.Optional;

/** What one asker is told of one instant. Any thread. */
public final class Catalogue {
  private final IdentityResources resources;
  private final String certificateProvider;

  /**
   * @param certificateProvider what the client calls its own; not part of what is remembered, or
   *     clients could have everything remembered under many names
   */
  Catalogue(IdentityResources resources, String certificateProvider) {
    this.resources = resources;
    this.certificateProvider = certificateProvider;
  }

  /** The resource of that name; empty where there is none, or none for this asker. */
  public Optional<XdsResource> get(XdsType type, String name) {
    return type == XdsType.CLUSTER && !certificateProvider.isEmpty()
        ? resources.clusterWithTls(name, certificateProvider)
        : resources.get(type, name);
  }

  /** Full names of all that there is of {@code type}, in order. */
  public NavigableSet<String> names(XdsType type) {
    return resources.names(type);
  }
}
