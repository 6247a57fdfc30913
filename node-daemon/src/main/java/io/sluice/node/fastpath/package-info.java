/**
 * What the kernel leads from pod to pod of the node without the proxy: who may, what is open, what
 * has come of it.
 */
@NullMarked
package io.sluice.node.fastpath;

import org.jspecify.annotations.NullMarked;
