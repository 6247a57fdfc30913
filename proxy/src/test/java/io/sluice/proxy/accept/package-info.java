/**
 * Tests of the data path over real loopback sockets, without root: {@code ProxyFixture} stands in
 * for the node daemon, {@code Peers} for applications.
 */
@NullMarked
package io.sluice.proxy.accept;

import org.jspecify.annotations.NullMarked;
