/**
 * Tests of HBONE over real sockets on loopback: {@code HboneFixture} is two proxies, {@code
 * RawClient} a peer that speaks single frames.
 */
@NullMarked
package io.sluice.proxy.hbone;

import org.jspecify.annotations.NullMarked;
