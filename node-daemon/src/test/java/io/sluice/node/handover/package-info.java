@NullMarked
package io.sluice.node.handover;

import org.jspecify.annotations.NullMarked;
