/** Tests of TLS between workloads over real sockets; {@code TestAuthority} issues certificates. */
@NullMarked
package io.sluice.proxy.tls;

import org.jspecify.annotations.NullMarked;
