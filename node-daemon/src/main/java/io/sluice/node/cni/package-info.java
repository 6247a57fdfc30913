/**
 * The daemon's side of the CNI plugin: pods are enrolled before their first container starts, and
 * let go when their sandbox goes.
 */
@NullMarked
package io.sluice.node.cni;

import org.jspecify.annotations.NullMarked;
