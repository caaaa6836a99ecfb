/** Rays along the side of a pixel: its colour is the mean over a grid of them. */
export const SAMPLES = 2;

/** Direction to the sun. */
export const LIGHT = [-0.48, 0.72, 0.5] as const;
/** Colour of the ground, `0xbbggrr`. */
export const GROUND = 0xa8bac4;
/** Red, green and blue of the haze. */
export const HAZE = [0.8, 0.84, 0.86] as const;
/** How far a shadow ray starts off the surface, so as not to meet it again. */
export const OFFSET = 1e-3;
