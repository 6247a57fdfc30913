package io.sluice.mesh;

import java.net.InetSocketAddress;

/**
 * One address behind a service port.
 *
 * @param address resolved address and target port
 * @param ready whether new connections may go there
 */
public record Endpoint(InetSocketAddress address, boolean ready) {}
