/** Golden rules without the kernel, and the real thing in network namespaces (tag kernel). */
@NullMarked
package io.sluice.iptables;

import org.jspecify.annotations.NullMarked;
