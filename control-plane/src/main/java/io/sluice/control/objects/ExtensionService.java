package io.sluice.control.objects;

import io.sluice.mesh.AccessLogSetting.Collector.Protocol;
import io.sluice.mesh.NamedServer;

/**
 * An ExtensionService of OSM ({@code config.openservicemesh.io/v1alpha2}): a server outside the
 * mesh that Telemetries name.
 *
 * @param meta name and origin
 * @param protocol by which it takes OpenTelemetry's logs
 * @param connectMillis for which a connection is waited for
 */
public record ExtensionService(
    ObjectMeta meta, NamedServer server, Protocol protocol, long connectMillis)
    implements KubernetesObject {}
