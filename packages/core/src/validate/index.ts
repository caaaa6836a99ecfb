export { validate, ValidatedDevice, type ValidateOptions } from './validate.js';
